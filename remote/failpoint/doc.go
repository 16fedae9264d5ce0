// Package failpoint names the steps at which a gateway may die, and lets a test
// have it die there.
//
// The gateway says [Reach] after each step of a chunk's way, of a merge and of a
// finish (the steps of package gateway's description). Without the build tag
// failpoints that is an empty function, which the compiler leaves out: nothing
// of it is in a binary that serves anybody. With the tag the environment says
// where the process ends:
//
//	SFTPGATE_FAILPOINT=name[:n][:kill|stop]
//
// When the point is reached for the n-th time (1 if not said) the process sends
// itself SIGKILL, as kill -9 does, or SIGSTOP, after which SIGCONT lets it go on.
// A value that names no point ends the process when it starts.
package failpoint
