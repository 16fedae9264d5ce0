package main

import "testing"

func TestFiguresOfSeveralTurns(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{nil, spread{}},
		{[]float64{4}, spread{4, 4, 4}},
		{[]float64{9, 1, 2}, spread{2, 1, 9}},
		{[]float64{4, 1, 3, 2}, spread{2.5, 1, 4}},
	} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("spread of %v is %v, not %v", c.values, got, c.want)
		}
	}
}

func TestRowsAreJudgedInTheirDirection(t *testing.T) {
	all := series{
		"fast":    {{Seconds: 1, CPU: 2, Peak: 100 * mib, Bytes: gib}, {Seconds: 2, CPU: 2, Peak: 200 * mib, Bytes: gib}, {Seconds: 9, CPU: 2, Peak: 90 * mib, Bytes: gib}},
		"slow":    {{Seconds: 4, CPU: 4, Peak: 50 * mib, Bytes: 4 * gib}},
		"counted": {{Host: hostside{Sessions: 1}}, {Host: hostside{Sessions: 2}}},
		"ended":   {{Seconds: 3, Finish: 0.2}},
	}
	for _, c := range []struct {
		row     row
		value   float64
		verdict string
	}{
		{row{kind: speed, ours: "fast", peers: []string{"slow"}, floor: 1.5, aim: 2}, 2, "aim"},
		{row{kind: speed, ours: "slow", peers: []string{"fast"}, floor: 0.5, aim: 2}, 0.5, "floor"},
		{row{kind: finish, ours: "ended", floor: 0.3, aim: 0.1}, 0.2, "floor"},
		{row{kind: peak, ours: "fast", floor: 190 * mib, aim: 100 * mib}, 200 * mib, "missed"}, // the worst counts
		{row{kind: growth, ours: "fast", peers: []string{"slow"}, floor: 1.1, aim: 1}, 2, "missed"},
		{row{kind: effort, ours: "fast", peers: []string{"slow"}, floor: 2, aim: 1.5}, 2, "floor"},
		{row{kind: plain, ours: "slow"}, 4, ""},
		{row{kind: speed, ours: "gone", peers: []string{"slow"}, floor: 1, aim: 2}, 0, ""},
		{row{kind: speed, ours: "fast", peers: []string{"gone"}, floor: 1, aim: 2}, 0, ""},
		{row{kind: sessionCount, ours: "counted", floor: 2, aim: 1}, 2, "floor"}, // the worst counts
		{row{kind: sessionCount, ours: "fast", floor: 2, aim: 0}, 0, "aim"},      // none is a figure
		{row{kind: sessionCount, ours: "gone", floor: 2, aim: 0}, 0, ""},
		{row{kind: first, ours: "slow", peers: []string{"fast"}, floor: 0.4, aim: 1}, 0.5, "floor"},
	} {
		r := c.row.result(all)
		if r.Value != c.value || r.Verdict != c.verdict {
			t.Errorf("%+v is %v, %q; want %v, %q", c.row, r.Value, r.Verdict, c.value, c.verdict)
		}
	}
}
