package gateway_test

import (
	"flag"
	"strings"

	"sftpgate/remote/remotetest"
)

// prove has the models and the proofs by replay explore all that they can, in many
// minutes, as make prove does, and not the part of it that make test looks at. That
// part is chosen by what was written and by seed, so that it is the same at each run
// and on each machine.
//
//	                                  without                           with
//	TestReplayEveryPrefix             a fixed part, see func explores   each disk that a cut can leave
//	TestTwoGatewaysOneUpload          15 seeds and one more             200 seeds
//	TestPeopleChangeTheirMinds        7 near, 1 far                     100 near, 6 far
//	TestCancelAtEveryStepOfTheFinish  each fifth step                   each step
//	TestCancelIsCutOff                each fifth step                   each step
//	TestRestartIsCutOff               each fifth step                   each step
//	TestThousandsOfOpenUploads        1,000 uploads                     10,000 uploads
//	TestHostConnectionCutAnywhere...  each eighth step behind the body   each step
//	TestDamageBeforeDuringAndAfter... |
//	TestFrozenMergerWakesAfter...     | two kinds of host, see          all kinds of host
//	TestFrozenServerOfACancelled...   | func shellAnd
//	TestRealDiskFull                  |
//	TestStrangeNames                  all by the shell, a third else    all by each engine
//
// -model.seeds sets the seeds of both models, with or without it.
var (
	prove      = flag.Bool("prove", false, "explore all states, not a fixed part of them")
	modelSeeds = flag.Int("model.seeds", 0, "interleavings of two gateways to try (0: 15, with -prove 200)")
)

func seeds() int {
	switch {
	case *modelSeeds > 0:
		return *modelSeeds
	case *prove:
		return 200
	}
	return 15
}

// keeps are what a cut may leave of that which was not synced.
var keeps = []struct {
	name string
	of   func(seed int) remotetest.Keep
}{
	{"all kept", func(int) remotetest.Keep { return remotetest.KeepAll }},
	{dropped, func(int) remotetest.Keep { return remotetest.DropUnsynced }},
	{"some kept", func(seed int) remotetest.Keep { return remotetest.KeepRandom(uint64(seed)) }},
}

const dropped = "unsynced dropped"

// explores reports whether the disk that a cut after n operations leaves is
// recovered from. Where nothing is kept that was not synced these are, without -prove,
// each third, and all after which a name was given to something. Of the others it is
// each eighteenth, and each sixth of such names; which ones differs by what is kept. Of
// the host's self-test, which each flow begins with, it is each eighteenth.
func explores(log []remotetest.Op, n, keep int) bool {
	if *prove || n == 0 || n == len(log) {
		return true
	}
	last := log[n-1]
	switch {
	case inSelfTest(last):
		return n%18 == 6*keep
	case keeps[keep].name == dropped:
		return n%3 == 0 || last.Path2 != ""
	}
	return n%18 == 3*keep || last.Path2 != "" && n%6 == keep
}

// inSelfTest: its directory has a name in capital letters.
func inSelfTest(op remotetest.Op) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(op.Path, memDir+"/."), ".sftpgate")
	return len(name) == 26 && name == strings.ToUpper(name)
}

// kindsFor are the kinds of host on which a case of a matrix is tried: the one near
// with a shell and one of the others, without -prove.
func kindsFor(name string) []kind {
	others := []kind{{"shell", "far"}, {"copy-data", "near"}, {"stream", "near"}}
	return shellAnd(others[len(name)%len(others)])
}

// shellAnd are the kinds of host for a test with one case: the one near with a shell
// and the one named, without -prove.
func shellAnd(other kind) []kind {
	if *prove {
		return kinds()
	}
	return []kind{{"shell", "near"}, other}
}
