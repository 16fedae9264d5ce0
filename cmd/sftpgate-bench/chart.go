package main

import (
	"io"
	"math"
	"text/template"
)

// chart draws how many times as fast as scp the gateway is: a bar a row, with
// marks at floor and aim. The scale is logarithmic, and a bar begins at 1 ×: one
// that points to the left is slower than scp.
func (r report) chart(w io.Writer) error {
	c := drawing{Width: 920, Machine: r.Machine}
	var rows []result
	most, least := 2.0, 1.0
	for _, row := range r.Rows {
		if row.kind == speed && row.Value > 0 {
			rows = append(rows, row)
			most, least = max(most, row.Value, row.Aim), min(least, row.Value)
		}
	}
	low, high := math.Floor(math.Log2(least)), math.Ceil(math.Log2(most)+0.3)
	at := func(v float64) float64 {
		return labels + (float64(c.Width)-labels-margin)*(math.Log2(v)-low)/(high-low)
	}
	for e := low; e <= high; e++ {
		c.Ticks = append(c.Ticks, tick{at(math.Exp2(e)), math.Exp2(e)})
	}
	for i, row := range rows {
		from, to := min(at(1), at(row.Value)), max(at(1), at(row.Value))
		c.Bars = append(c.Bars, bar{Name: row.Work, Peer: row.kind.peerText(row.Peers[0]) + ", ours: " + row.kind.sideText(row.Ours), Y: head + i*step, X: from, Length: to - from, Value: row.kind.text(row.Value), Floor: at(row.Floor), Aim: at(row.Aim)})
	}
	c.Bottom = head + len(rows)*step
	c.Height = c.Bottom + 48
	c.One = at(1)
	return svg.Execute(w, c)
}

// The drawing's measures, in its own units.
const (
	labels = 390.0 // room for names
	margin = 90.0  // and for figures behind the bars
	head   = 46
	step   = 40
)

type drawing struct {
	Width, Height, Bottom int
	One                   float64
	Ticks                 []tick
	Bars                  []bar
	Machine               machine
}

type tick struct{ X, Value float64 }

type bar struct {
	Name, Peer, Value string
	Y                 int
	X, Length         float64
	Floor, Aim        float64
}

// svg is legible on light and on dark: a page's colours are not known to a
// picture, the reader's preference is.
var svg = template.Must(template.New("chart").Funcs(template.FuncMap{"add": func(a, b int) int { return a + b }, "text": template.HTMLEscapeString}).Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" role="img" aria-label="Times as fast as scp">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.quiet { fill: #57606a; font-size: 11px }
.grid { stroke: #d0d7de }
.one { stroke: #57606a }
.bar { fill: #2f81f7 }
.floor { stroke: #cf222e; stroke-width: 2.5 }
.aim { stroke: #1a7f37; stroke-width: 2.5; stroke-dasharray: 3 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #30363d } .one { stroke: #9198a1 }
.floor { stroke: #ff7b72 } .aim { stroke: #56d364 }
}
</style>
<text x="12" y="22" font-weight="600">Times as fast as scp</text>
<line class="floor" x1="560" y1="12" x2="560" y2="26"/><text class="quiet" x="567" y="23">at least</text>
<line class="aim" x1="630" y1="12" x2="630" y2="26"/><text class="quiet" x="637" y="23">wanted</text>
{{range .Ticks}}<line class="grid" x1="{{printf "%.1f" .X}}" y1="38" x2="{{printf "%.1f" .X}}" y2="{{$.Bottom}}"/><text class="quiet" text-anchor="middle" x="{{printf "%.1f" .X}}" y="{{add $.Bottom 16}}">{{.Value}} ×</text>
{{end}}<line class="one" x1="{{printf "%.1f" .One}}" y1="38" x2="{{printf "%.1f" .One}}" y2="{{.Bottom}}"/>
{{range .Bars}}<text x="12" y="{{add .Y 16}}">{{text .Name}}</text><text class="quiet" x="12" y="{{add .Y 30}}">{{text .Peer}}</text>
<rect class="bar" x="{{printf "%.1f" .X}}" y="{{add .Y 6}}" width="{{printf "%.1f" .Length}}" height="22" rx="2"/><text x="{{add $.Width -12}}" text-anchor="end" y="{{add .Y 22}}">{{.Value}}</text>
<line class="floor" x1="{{printf "%.1f" .Floor}}" y1="{{add .Y 2}}" x2="{{printf "%.1f" .Floor}}" y2="{{add .Y 32}}"/><line class="aim" x1="{{printf "%.1f" .Aim}}" y1="{{add .Y 2}}" x2="{{printf "%.1f" .Aim}}" y2="{{add .Y 32}}"/>
{{end}}<text class="quiet" x="12" y="{{add .Bottom 38}}">{{.Machine.Cores}} cores, {{text .Machine.CPU}}, {{text .Machine.Filesystem}}, {{text .Machine.OpenSSH}}; medians; logarithmic</text>
</svg>
`))
