"""What venues say of the past, each as its documentation has it: the answers of a market that is known to the last digit."""
