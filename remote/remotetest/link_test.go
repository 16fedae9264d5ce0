package remotetest

import (
	"testing"
	"testing/synctest"

	"sftpgate/remote/hosts"
	"sftpgate/remote/sshpool"
)

func TestLinkOverTheDiskInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := filesDisk(t)
		set := must(hosts.NewSet(hosts.Host{
			ID: "disk", Address: "disk.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none", Roots: []string{"/srv/files"},
		}))(t)
		links := sshpool.New(set, sshpool.Options{Dial: d.Dial(ServerOptions{})})
		defer links.Close()
		pool, _ := links.Host("disk")
		a := must(pool.Abilities(t.Context(), "/srv/files", "/srv/files"))(t)
		if !a.Durable() || !a.CreateOnly() || !a.RenameCreateOnly || !a.PosixRename || !a.DirRenameExclusive || !a.StatVFS || a.Exec {
			t.Errorf("abilities: %+v", a)
		}
		if got := d.Tree(); got != "drwxr-xr-x /srv/\ndrwxr-xr-x /srv/files/\n" {
			t.Errorf("the trial left\n%s", got)
		}
	})
}
