// Command sftpgate-bench measures a built sftpgate beside scp, sftp and, where
// it is installed, rclone.
//
//	sftpgate-bench                  every row of the table, about half an hour
//	sftpgate-bench -quick           the same in small, for daily use
//	sftpgate-bench -rows 'far-.*'   only these
//	sftpgate-bench -gateway OTHER   another build, to compare
//
// # What is measured
//
// Everything runs on this machine as processes of their own: OpenSSH's sshd with
// a key and a configuration of its own, a redis-server, the gateway, the peers.
// Where a row has a round trip, gateway and peers alike reach sshd through the
// same delay proxy (see delay). The client of the gateway is Go's net/http within
// this process, sending from files by sendfile(2), except where the row says curl.
//
// The contestants of a scene take turns, several rounds of them, so that whatever
// else the machine does meets all; what counts is the median. Before each turn the
// source is read once, so that it comes from the page cache for all, and what was
// written before is gone and the disk is quiet. Where the turn is over, and outside
// of its time, what arrived is compared with what was sent, by SHA-256.
//
// The gateway acknowledges nothing before it is synced; the peers sync nothing.
// What it takes to sync what a peer has written is measured after its turn and
// shown beside it.
//
// # Layout
//
//	main.go      flags; one run of the command
//	site.go      sshd (sshd.go), redis-server (redis.go), gateway (gate.go) and the
//	             delay proxy (delay.go, room.go) as one; child.go is what they have in common
//	content.go   what is sent, and whether it arrived
//	client.go    calls of the gateway; chunks.go one upload, whole.go whole files,
//	             crowd.go many at once; peers.go scp and the like
//	scenes.go    who takes turns with whom; turn.go what is measured around a turn
//	             (proc.go, profile.go) and of the host (hostside.go), disk.go what the disk alone takes, everything.go
//	             all turns in order
//	rows.go      the table's rows, their floors and aims; figure.go how they are read
//	table.go     the terminal, report.go the JSON, chart.go the SVG, machine.go the machine
package main
