"""Issues the card of one order, in Python.

usage: issue.py SERVER TLS-FOLDER OPERATOR ORDER.json

Prints a line for each certificate of the card: slot, format and number of octets.
"""
import sys

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from siegel.v1 import issuance_pb2, issuance_pb2_grpc, order_pb2


def read(path):
    with open(path, "rb") as f:
        return f.read()


def explain(error):
    """Says what is wrong with a refused order, rule by rule."""
    print(f"{error.code().name}: {error.details()}", file=sys.stderr)
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        refused = error_details_pb2.BadRequest()
        if detail.Unpack(refused):
            for violation in refused.field_violations:
                print(f"  {violation.field}: {violation.description} [{violation.reason}]", file=sys.stderr)


def main(server, tls, operator, order_file):
    credentials = grpc.ssl_channel_credentials(
        root_certificates=read(f"{tls}/ca.pem"),
        private_key=read(f"{tls}/{operator}.key"),
        certificate_chain=read(f"{tls}/{operator}.pem"),
    )
    order = json_format.Parse(read(order_file), order_pb2.Order())
    with grpc.secure_channel(server, credentials) as channel:
        stub = issuance_pb2_grpc.IssuanceServiceStub(channel)
        try:
            # Sending the same order again is safe: the answer is the same card.
            answer = stub.IssueCard(issuance_pb2.IssueCardRequest(order=order), timeout=30, wait_for_ready=True)
        except grpc.RpcError as error:
            explain(error)
            return 1
    for c in answer.card.certificates:
        print(answer.card.iccsn, c.slot, issuance_pb2.Format.Name(c.format), len(c.data))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
