"""Small line plots as SVG, readable on light and dark pages. No dependencies.

Axes are logarithmic: growth is a slope. Every series is named at its end, marks are dashed lines with a text.
"""
import math
from html import escape

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 66, 150, 34, 46
STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #57606a } .title { font-size: 14px; font-weight: 600; fill: #24292f }
.grid { stroke: #d8dee4 } .axis { stroke: #8c959f } .mark { stroke: #cf222e; stroke-dasharray: 5 4 } .marked { fill: #cf222e }
path { fill: none; stroke-width: 2 }
.s0 { stroke: #0969da } .s1 { stroke: #bc4c00 } .s2 { stroke: #1a7f37 } .s3 { stroke: #8250df } .s4 { stroke: #bf3989 }
.f0 { fill: #0969da } .f1 { fill: #bc4c00 } .f2 { fill: #1a7f37 } .f3 { fill: #8250df } .f4 { fill: #bf3989 }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 } .title { fill: #f0f6fc } .grid { stroke: #2f353d } .axis { stroke: #656c76 }
.mark { stroke: #ff7b72 } .marked { fill: #ff7b72 }
.s0 { stroke: #4493f8 } .s1 { stroke: #db6d28 } .s2 { stroke: #3fb950 } .s3 { stroke: #ab7df8 } .s4 { stroke: #db61a2 }
.f0 { fill: #4493f8 } .f1 { fill: #db6d28 } .f2 { fill: #3fb950 } .f3 { fill: #ab7df8 } .f4 { fill: #db61a2 }
}
</style>"""


def short(number):
    """1,500,000 as 1.5 M."""
    for limit, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(number) >= limit:
            return f"{number / limit:g}{unit}"
    return f"{number:g}"


class Axis:
    """From whole powers of ten to whole powers of ten."""

    def __init__(self, values, start, end):
        positive = [value for value in values if value > 0]
        self.low = math.floor(math.log10(min(positive)) + 1e-9)
        self.high = max(math.ceil(math.log10(max(positive)) - 1e-9), self.low + 1)
        self.start, self.end = start, end

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        return [10.0 ** power for power in range(self.low, self.high + 1)]


def plot(path, title, x_name, y_name, series, vertical=(), horizontal=()):
    """`series` maps names to lists of (x, y); `vertical` and `horizontal` are marks, (where, text)."""
    series = {name: [(x, y) for x, y in points if y and y > 0 and x > 0] for name, points in series.items()}
    series = {name: points for name, points in series.items() if points}
    x_axis = Axis([x for points in series.values() for x, _ in points] + [x for x, _ in vertical], LEFT, WIDTH - RIGHT)
    y_axis = Axis([y for points in series.values() for _, y in points] + [y for y, _ in horizontal], HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">', f"<title>{escape(title)}</title>",
           STYLE, f'<text class="title" x="{LEFT}" y="18">{escape(title)}</text>']
    for tick in y_axis.ticks():
        y = y_axis.at(tick)
        out.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{short(tick)}</text>')
    for tick in x_axis.ticks():
        x = x_axis.at(tick)
        out.append(f'<line class="axis" x1="{x:.1f}" y1="{HEIGHT - BOTTOM}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM + 5}"/>')
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 19}" text-anchor="middle">{short(tick)}</text>')
    out.append(f'<line class="axis" x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - RIGHT}" y2="{HEIGHT - BOTTOM}"/>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_name)}</text>')
    out.append(f'<text transform="translate(14 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
               f'{escape(y_name)}</text>')
    for x, text in vertical:
        at = x_axis.at(x)
        out.append(f'<line class="mark" x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}"/>')
        out.append(f'<text class="marked" x="{at - 5:.1f}" y="{HEIGHT - BOTTOM - 8}" text-anchor="end">{escape(text)}</text>')
    for y, text in horizontal:
        at = y_axis.at(y)
        out.append(f'<line class="mark" x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}"/>')
        out.append(f'<text class="marked" x="{LEFT + 6}" y="{at - 5:.1f}">{escape(text)}</text>')
    names = []
    for number, (name, points) in enumerate(series.items()):
        spots = [(x_axis.at(x), y_axis.at(y)) for x, y in points]
        line = " ".join(f"{'M' if k == 0 else 'L'}{x:.1f} {y:.1f}" for k, (x, y) in enumerate(spots))
        out.append(f'<path class="s{number}" d="{line}"/>')
        out += [f'<circle class="f{number}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in spots]
        names.append((spots[-1][1], number, name))
    # Names keep a distance from each other.
    above = TOP - 14
    for y, number, name in sorted(names):
        above = max(y, above + 15)
        out.append(f'<text class="f{number}" x="{WIDTH - RIGHT + 10}" y="{above + 4:.1f}">{escape(name)}</text>')
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n</svg>\n")
