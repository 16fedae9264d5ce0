package link

// Abilities is what a host can do below one root, found by trying it there.
type Abilities struct {
	// PosixRename: posix-rename@openssh.com works and replaces the target.
	PosixRename bool
	// HardLink: hardlink@openssh.com works and refuses a name that exists.
	HardLink bool
	// RenameCreateOnly: SSH_FXP_RENAME refuses a name that exists.
	RenameCreateOnly bool
	// DirRenameExclusive: a directory is not renamed onto one that is not empty.
	DirRenameExclusive bool
	// Fsync: fsync@openssh.com works on files.
	Fsync bool
	// DirSync: fsync@openssh.com works on directories.
	DirSync bool
	// StatVFS: statvfs@openssh.com tells the free space.
	StatVFS bool
	// Exec: "exec sh" gives a shell that can be talked to.
	Exec bool
	// HashTool is "openssl", "sha256sum", "shasum", or "" when none works over exec.
	HashTool string
	// Proc: /proc/self/stat can be read over SFTP.
	Proc bool
	// Why tells for each ability that is absent the reason, as a sentence, by field name.
	Why map[string]string
}

// Durable reports whether what was synced survives a power cut; if not, the
// host's durability is degraded and that is shown.
func (a Abilities) Durable() bool { return a.Fsync && a.DirSync }

// CreateOnly reports whether a name can be taken so that an existing one is never replaced.
func (a Abilities) CreateOnly() bool { return a.HardLink || a.RenameCreateOnly }
