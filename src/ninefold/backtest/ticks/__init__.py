"""Back-tests on single trades and on books: what is known when, what an order meets, what a fill costs.

`tape` and `slow`: a target filled by market orders on trades; `fast` is the same compiled, `stream` takes it block by block.
"""
