"""Quality: how well both lanes answer a set of queries, and what their vectors look like.

reading      files of queries and judgments
asking       the same queries, asked of a lane as `serve` would, or once more for the floor
relevance    measures of relevance, by the library ir-measures
sample       a random sample of stored vectors that both lanes hold
measuring    one run, from questions to a result
result       what a run found
pictures     the result as figures
markdown     the result as a page
folder       pictures, page and data in one folder, whole or not at all
"""
