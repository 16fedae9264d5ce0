package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// kind is what a row's figure is made of.
type kind int

const (
	speed           kind = iota // the peer's time over ours: more is better
	finish                      // seconds after the last chunk: less is better
	peak                        // bytes resident: less is better
	growth                      // peak of ours over that of the first peer: less is better
	effort                      // processor time of ours over that of the peer: less is better
	plain                       // seconds; nothing is asked of it
	first                       // the time of a warm gateway over that of a fresh one: more is better
	hostEffort                  // processor time of the host for ours over that for the peer: less is better
	connectionCount             // to the host, that a turn has opened
	sessionCount                // of those: SFTP channels and commands, each of which starts a login shell
	diskWrites                  // bytes written to the disk for each byte sent
	diskRoom                    // the most room taken on the disk, over what was sent
)

// row is one line of the table.
type row struct {
	name  string // what --rows takes
	work  string // what is done
	kind  kind
	ours  string   // the run that is measured
	peers []string // those beside it; the first is the one that counts
	floor float64  // what must be reached, in the unit of the kind
	aim   float64
}

// more reports whether more is better.
func (k kind) more() bool { return k == speed || k == first }

// counts reports whether it is a number of things, of which none is a figure too.
func (k kind) counts() bool { return k == connectionCount || k == sessionCount }

// runs are what the row needs to have run.
func (r row) runs() []string { return append([]string{r.ours}, r.peers...) }

// allRows is the table.
func allRows(z sizes) []row {
	file := func(size int64) string { return bytesText(size) }
	trip := fmt.Sprintf("%d ms", (2 * z.oneWay).Milliseconds())
	nearFile, farFile := file(z.bulk)+" nearby", file(z.far)+" at "+trip
	nearPeers, farPeers := peers("near", "scp", "sftp"), peers("far", "scp", "sftp")
	rows := []row{
		{"chunks", nearFile + ", chunks of " + file(z.chunk) + ", 4 in flight, random order", speed, "near/chunks", nearPeers, 1.3, 1.7},
		{"digest", nearFile + ", in order, with a declared digest", speed, "near/digest", nearPeers, 1.1, 1.4},
		{"curl", nearFile + ", as one curl -T", speed, "near/curl", nearPeers, 1.1, 1.4},
		{"far-chunks", farFile + ", chunks, 16 in flight", speed, "far/chunks", farPeers, 5, 8},
		{"far-curl", farFile + ", as one curl -T", speed, "far/curl", farPeers, 4, 6},
	}
	for _, size := range z.finish {
		rows = append(rows, row{"finish-" + short(size), file(size) + ", random order: last chunk acknowledged to done", finish,
			"finish/" + file(size), nil, 0.3, 0.1})
	}
	for _, size := range z.finish {
		rows = append(rows, row{"finish-digest-" + short(size), file(size) + ", in order, declared digest: the same", finish,
			"finish-digest/" + file(size), nil, 1, 0.2})
	}
	little, large := file(z.little), file(z.large)
	for _, warm := range []string{"near/chunks", "near/digest", "near/curl", "far/chunks", "far/curl", "small/put", "far-small/put"} {
		scene, _, _ := strings.Cut(warm, "/")
		floor := 0.85
		if strings.HasPrefix(scene, "far") {
			floor = 0.8
		}
		rows = append(rows, row{"first-" + strings.ReplaceAll(warm, "/", "-"), warm + " by a gateway that was started just now, beside the same later", first,
			firstOf(warm), []string{warm}, floor, 1})
	}
	return append(rows,
		row{"connections", "connections opened for the first upload, " + nearFile, connectionCount, "near/first-chunks", nil, 3, 2},
		row{"sessions", "SFTP channels and commands started for it", sessionCount, "near/first-chunks", nil, 5, 3},
		row{"sessions-again", "the same for a further upload", sessionCount, "near/chunks", nil, 1, 0},
		row{"host-cpu-first", "the host's CPU for the first upload over that for scp, " + nearFile, hostEffort, "near/first-chunks", []string{"near/scp"}, 1.5, 1},
		row{"host-cpu", "the same for a further upload", hostEffort, "near/chunks", []string{"near/scp"}, 1.3, 1},
		row{"written", "bytes written to the disk for each byte, " + nearFile + ", chunks", diskWrites, "near/chunks", []string{"near/scp"}, 2.1, 1.1},
		row{"room", "the most room taken on the disk, over the file's size", diskRoom, "near/chunks", []string{"near/scp"}, 1.2, 1.1},
		row{"small", strconv.Itoa(z.small) + " files of " + file(z.smallOne) + " nearby, 16 in flight", speed, "small/put", peers("small", "scp -r"), 1, 2},
		row{"far-small", strconv.Itoa(z.farSmall) + " files of " + file(z.smallOne) + " at " + trip + ", 32 in flight", speed, "far-small/put", peers("far-small", "scp -r"), 12, 25},
		row{"memory-chunks", "peak memory: " + strconv.Itoa(z.crowd) + " uploads in chunks at once, nearby", peak, "memory/chunks", nil, 300 * mib, 150 * mib},
		row{"memory-far-chunks", "peak memory: " + strconv.Itoa(z.crowd) + " uploads in chunks at once, at " + trip, peak, "memory/far-chunks", nil, 300 * mib, 150 * mib},
		row{"memory-far-streams", "peak memory: " + strconv.Itoa(z.crowd) + " streams at once, at " + trip, peak, "memory/far-streams", nil, 300 * mib, 150 * mib},
		row{"memory-far-sftp", "the same, where the gateway itself puts the files together", peak, "memory/far-sftp", nil, 150 * mib, 100 * mib},
		row{"memory-size", "peak memory: " + large + " over " + little, growth, "memory/" + large, []string{"memory/" + little}, 1.1, 1},
		row{"cpu", "the gateway's CPU over scp's, " + nearFile + ", chunks", effort, "near/chunks", []string{"near/scp"}, 1, 0.7},
		row{"fsync", strconv.Itoa(z.synced) + " × " + file(z.chunk) + " written and synced one by one, by this disk alone", plain, "disk/fsync", nil, 0, 0},
	)
}

// firstOf is the run that is another one by a fresh gateway.
func firstOf(run string) string { return strings.Replace(run, "/", "/first-", 1) }

// peers names runs of a scene; rclone is one where it is installed.
func peers(scene string, names ...string) []string {
	if hasRclone() {
		names = append(names, "rclone")
	}
	var all []string
	for _, n := range names {
		all = append(all, scene+"/"+n)
	}
	return all
}

// short is a size within a name.
func short(n int64) string {
	if n >= gib && n%gib == 0 {
		return strconv.FormatInt(n/gib, 10) + "g"
	}
	return strconv.FormatInt(n/mib, 10) + "m"
}

// list prints the names.
func list(w io.Writer, rows []row) {
	for _, r := range rows {
		fmt.Fprintf(w, "%-20s %s\n", r.name, r.work)
	}
}
