"""Transfer: what are the features of every depth worth on other data?"""
