"""The questions that are put to every store, in LogQL and in VictoriaLogs' language, and what their answers have
in common: the number of lines found, or the total of all points."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Query:
    """`limit` lines if it has one, else counts by `step` seconds."""

    name: str
    logql: str
    logsql: str
    limit: int = 0
    step: int = 0

    def value_of_loki(self, result):
        if self.limit:
            return sum(len(stream["values"]) for stream in result)
        return sum(float(value) for series in result for _, value in series["values"])

    def value_of_victoria(self, body):
        if self.limit:
            return body.count(b"\n")
        result = json.loads(body)["data"]["result"]
        return sum(float(value) for series in result for _, value in series["values"])


def counted(name, selector, pipeline, logsql, by="", step=60):
    """Lines counted in steps."""
    group = f"by ({by}) " if by else ""
    return Query(
        name,
        f"sum {group}(count_over_time({selector} {pipeline} [{step}s]))",
        f"{logsql} | stats {group}count() n",
        step=step,
    )


def newest(name, selector, pipeline, logsql, limit=1000):
    return Query(name, f"{selector} {pipeline}".strip(), logsql, limit=limit)


ALL = '{job=~".+"}'


def queries(large, small, needle):
    """`large` and `small`: labels of one stream each, as {name: value}; `needle`: a token that ten lines hold."""
    return [
        newest("newest 1000 lines of a large stream", selector(large), "", selector(large)),
        newest("newest 1000 lines of a small stream", selector(small), "", selector(small)),
        newest("needle: a token in ten lines of all", ALL, f'|= "{needle}"', f'"{needle}"'),
        newest("needle inside a token", ALL, f'|= "{needle[2:-2]}"', f'~"{needle[2:-2]}"'),
        newest("no match", ALL, '|= "zqxjkvbw"', '"zqxjkvbw"'),
        counted("regex, counted, one job", '{job="access"}', '|~ "GET /[a-z]+ .* 5[0-9][0-9]"', '{job="access"} ~"GET /[a-z]+ .* 5[0-9][0-9]"'),
        counted("regex over everything", ALL, '|~ "(?i)timed? ?out"', '~"(?i)timed? ?out"'),
        counted("count by job, everything", ALL, "", "*", by="job"),
        counted("lines with `error`, counted", ALL, '|= "error"', '~"error"'),
        counted("count of one job", '{job="json"}', "", '{job="json"}'),
        counted("JSON parsed, sum by status", '{job="json"}', "| json", '{job="json"} | unpack_json fields (status)', by="status", step=300),
        counted("logfmt parsed, by level", '{job="logfmt"}', "| logfmt", '{job="logfmt"} | unpack_logfmt fields (level)', by="level", step=300),
        counted("pattern parsed, by status", '{job="access"}', '| pattern `<_> "<_>" <status> <_>`', '{job="access"} | extract \'" <status> \'', by="status", step=300),
        newest("JSON filter", '{job="json"}', "| json | status = 503", '{job="json"} | unpack_json fields (status) | filter status:=503'),
        newest("negative filter, newest 1000", ALL, '!= "INFO"', '!~"INFO"'),
        counted("negative filter, counted over everything", ALL, '!= "INFO"', '!~"INFO"'),
    ]


def selector(labels):
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
