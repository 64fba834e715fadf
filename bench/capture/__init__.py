"""`make bench-capture`: what capture and storage reach beside other programs, answers checked equal."""
