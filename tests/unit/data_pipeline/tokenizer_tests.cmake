# Tests of the token half.
