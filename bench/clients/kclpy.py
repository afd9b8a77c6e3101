"""A consumer on amazon_kclpy that reads the bytes of every record and checkpoints after each delivery."""
import json
import os

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor


class Consumer(processor.RecordProcessorBase):
    def initialize(self, initialize_input):
        self.seen = {"records": 0, "bytes": 0, "sum": 0}

    def process_records(self, process_records_input):
        seen = self.seen
        for record in process_records_input.records:
            data = record.binary_data
            seen["records"] += 1
            seen["bytes"] += len(data)
            seen["sum"] += data[0] + data[-1]
        last = process_records_input.records[-1]
        process_records_input.checkpointer.checkpoint(last.sequence_number, last.sub_sequence_number)

    def lease_lost(self, lease_lost_input):
        with open(os.environ["BENCH_REPORT"], "w") as report:
            json.dump(self.seen, report)

    def shard_ended(self, shard_ended_input):
        shard_ended_input.checkpointer.checkpoint()

    def shutdown_requested(self, shutdown_requested_input):
        pass


kcl.KCLProcess(Consumer()).run()
