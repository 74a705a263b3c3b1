# Tests of the document half.
