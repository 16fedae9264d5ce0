package page_test

import "flag"

var prove = flag.Bool("prove", false, "send a file of 100 MiB with the folder")

// size is that of a file which is sent from one end to the other.
func size() int64 {
	if *prove {
		return 100 * mib
	}
	return 24 * mib
}
