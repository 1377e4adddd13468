"""Draws load.svg from the numbers of load.py; a proof compares the file."""

from load import Answers, Server, closed_load, open_load, percentile

LEFT, BASE, RIGHT, TOP = 76, 268, 700, 64
FROM, TO, HIGHEST = 1500, 4500, 1010
COLORS = {"muted": "#545c74", "text": "#1d2233", "accent": "#b4370b"}
HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 330" role="img" \
font-family="system-ui, sans-serif" font-size="14">
<title>One stall of a second, seen by open and by closed load</title>
<desc>Latency over time. A server stalls from second 2 to second 3. Open load \
records a ramp that falls from 1010 ms at second 2 to 10 ms at second 4: \
{open_slow} of {open_all} requests take over 100 ms, and the p99 is {open_p99} ms. \
Closed load records one request of 1010 ms, then waits; \
{closed_slow} of {closed_all} is slow, and the p99 is {closed_p99} ms.</desc>"""


def across(moment: int) -> float:
    return round(LEFT + (moment - FROM) / (TO - FROM) * (RIGHT - LEFT), 1)


def up(latency: int) -> float:
    return round(BASE - latency / HIGHEST * (BASE - TOP), 1)


def seen(answers: Answers) -> list[tuple[float, float]]:
    return [(across(at), up(ms)) for at, ms in answers if FROM <= at <= TO]


def text(x: float, y: float, words: str, kind: str = "muted", **more: str) -> str:
    extra = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in more.items())
    place = f'<text class="km-{kind}" x="{x}" y="{y}"'
    return f'{place} font-size="13"{extra} fill="{COLORS[kind]}">{words}</text>'


def figures(name: str, answers: Answers) -> dict[str, int]:
    shown = [ms for _, ms in answers]
    slow, p99 = sum(ms > 100 for ms in shown), percentile(99, shown)
    return {f"{name}_slow": slow, f"{name}_all": len(shown), f"{name}_p99": p99}


def picture() -> str:
    opened, closed = open_load(Server()), closed_load(Server())
    known = figures("open", opened) | figures("closed", closed)
    ramp = " ".join(f"{x},{y}" for x, y in seen(opened))
    begin, end = across(2000), across(3000)
    wide, high = round(end - begin, 1), BASE - TOP + 20
    lines = [
        HEAD.format(**known),
        f'<rect class="km-box" x="{begin}" y="{TOP - 20}" width="{wide}" '
        f'height="{high}" fill="#eef1fb" stroke="#8b93ab"/>',
        text((begin + end) / 2, TOP - 28, "server stalls", text_anchor="middle"),
        text(12, 24, "latency"),
        text(LEFT - 8, TOP + 5, "1010 ms", text_anchor="end"),
        text(LEFT - 8, BASE, "10 ms", text_anchor="end"),
        f'<path class="km-line" d="M{LEFT} {TOP - 20}V{BASE}H{RIGHT}" fill="none" '
        'stroke="#3d4663" stroke-width="1.2"/>',
        f'<polyline class="km-line" points="{ramp}" fill="none" '
        'stroke="#3d4663" stroke-width="2.4"/>',
    ]
    lines += [
        f'<circle class="km-accent" cx="{x}" cy="{y}" '
        f'r="{4.5 if y < 200 else 2.4}" fill="#b4370b"/>'
        for x, y in seen(closed)
    ]
    lines += [
        text(across(at), BASE + 20, f"{at // 1000} s", text_anchor="middle")
        for at in (2000, 3000, 4000)
    ]
    many = "{open_slow} of {open_all} over 100 ms, p99 = {open_p99} ms"
    one = "{closed_slow} of {closed_all} over 100 ms, p99 = {closed_p99} ms"
    lines += [
        text(404, 112, "line: open load", "text", font_weight="600"),
        text(404, 132, many.format(**known), "text"),
        text(480, 172, "dots: closed load", "accent", font_weight="600"),
        text(480, 192, one.format(**known), "accent"),
        text(388, 316, "when the request was due", text_anchor="middle"),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(picture(), end="")
