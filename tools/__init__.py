"""The tools of the project: a real control plane to run and test on, a playground, the demo, and the steps of make.

Nothing here ships with the operator, and the operator imports nothing from here.
"""
