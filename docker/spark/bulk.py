"""A bulk run as a job of a Spark cluster: `spark-submit [its options] bulk.py SOURCE --out DIR`,
with the options of `ferroclaim bulk`. docs/bulk.md says what the cluster needs."""

import sys

from ferroclaim import main

sys.argv[1:1] = ["bulk", "--engine", "spark"]
main()
