"""Writes sigv4.json beside this file: requests and how botocore signs them.

Run once, with botocore 1.43.11: python3 sigv4.py. The keys are the examples of AWS's documentation.
"""

import datetime
import json
import pathlib
from unittest import mock
from urllib.parse import quote

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NOW = datetime.datetime(2026, 11, 23, 5, 3, 38, tzinfo=datetime.timezone.utc)
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaDGV1LWNlbnRyYWwtMSJ+EXAMPLE=="
FORM = "application/x-www-form-urlencoded; charset=utf-8"

CASES = [
    ("form with a session token", "POST", "sts.eu-central-1.amazonaws.com", "/", [],
     {"content-type": FORM}, "Action=GetCallerIdentity&Version=2011-06-15", "eu-central-1", "sts", TOKEN),
    ("proof of identity", "POST", "sts.eu-central-1.amazonaws.com", "/", [],
     {"content-type": FORM, "x-jeeves-cluster": "prod", "x-jeeves-key-hash": "0f" * 32,
      "x-jeeves-nonce": "a1b2c3d4e5f60718"},
     "Action=GetCallerIdentity&Version=2011-06-15", "eu-central-1", "sts", TOKEN),
    ("xml body", "POST", "route53.amazonaws.com", "/2013-04-01/hostedzone/Z0123/rrset", [],
     {"content-type": "text/xml"}, "<a>\u00fc</a>\n", "us-east-1", "route53", None),
    ("query out of order", "GET", "route53.amazonaws.com", "/2013-04-01/hostedzone/Z0123/rrset",
     [["type", "A"], ["name", "chat.example.org."], ["maxitems", "1"]], {}, "", "us-east-1",
     "route53", TOKEN),
    ("query with every trap", "GET", "ec2.us-east-1.amazonaws.com", "/",
     [["b", "2"], ["b", "10"], ["B", "x"], ["Filter.1.Name", "tag:Name"], ["empty", ""],
      ["plus", "a+b c"], ["slash", "a/b=c&d"], ["star", "*~-_."], ["umlaut", "\u00fc\u20ac"],
      ["a-b", "1"], ["a", "1"]], {}, "", "us-east-1", "ec2", None),
    ("path that needs encoding", "GET", "example.execute-api.eu-west-1.amazonaws.com",
     "/stage/a b/\u00fc:100%/x=y", [], {}, "", "eu-west-1", "execute-api", None),
    ("header with wide spaces", "GET", "ec2.cn-north-1.amazonaws.com.cn", "/", [],
     {"x-amz-meta": "  many   spaces here  ", "accept": "*/*"}, "", "cn-north-1", "ec2", None),
    ("endpoint with a port", "POST", "127.0.0.1:5000", "/", [], {"content-type": FORM},
     "Action=DescribeInstances&Version=2016-11-15", "eu-central-1", "ec2", None),
]


def signed(name, method, host, path, query, headers, body, region, service, token):
    url = f"https://{host}{quote(path, safe='/-._~')}"
    pairs = sorted((quote(k, safe="-._~"), quote(v, safe="-._~")) for k, v in query)
    if pairs:
        url += "?" + "&".join(f"{k}={v}" for k, v in pairs)
    request = AWSRequest(method=method, url=url, headers=headers, data=body.encode())
    with mock.patch.object(auth, "get_current_datetime", lambda: NOW):
        auth.SigV4Auth(Credentials(KEY, SECRET, token), service, region).add_auth(request)
    return {
        "name": name, "method": method, "host": host, "path": path, "query": query,
        "headers": headers, "body": body, "region": region, "service": service, "token": token,
        "url": url, "authorization": request.headers["Authorization"],
    }


if __name__ == "__main__":
    document = {
        "now": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"), "accessKeyID": KEY, "secretAccessKey": SECRET,
        "cases": [signed(*case) for case in CASES],
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    pathlib.Path(__file__).with_name("sigv4.json").write_text(text + "\n")
