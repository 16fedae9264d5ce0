package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"sftpgate/remote/merge/engine"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// examineRoot tries out one root: that it is there and can be written, what
// the host can do in it, and which engine merges there.
func examineRoot(ctx context.Context, h *staging.Host, root string, r *report) {
	user := h.Config().User
	var info fs.FileInfo
	err := h.Pool().Do(ctx, func(c *sshpool.Conn) (err error) {
		info, err = c.SFTP().Stat(root)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.fail("root", "%s does not exist; on the host: install -d -o %s %s", root, user, root)
		return
	case errors.Is(err, fs.ErrPermission):
		r.fail("root", "user %s cannot access %s; let it enter the directories above (chmod o+x, or a group)", user, root)
		return
	case err != nil:
		r.fail("root", "%s: %v", root, err)
		return
	case !info.IsDir():
		r.fail("root", "%s is not a directory; fix roots in hosts.yaml", root)
		return
	}
	t, err := h.ResolveDir(ctx, root)
	if err != nil {
		r.fail("root", "%s: %v", root, err)
		return
	}
	can, err := h.Abilities(ctx, t)
	var denied *staging.PermissionError
	switch {
	case errors.As(err, &denied):
		r.fail("root", "user %s cannot write to %s; on the host: chown %s %s (or give one of its groups write permission)", user, root, user, root)
		return
	case err != nil:
		r.fail("root", "%s: %v", root, err)
		return
	}
	r.good("root", "%s is writable%s", root, freeText(ctx, h, t))
	reportAbilities(can, r)
	if can.DirRenameExclusive {
		reportEngine(ctx, h, t, r)
	}
}

func freeText(ctx context.Context, h *staging.Host, t staging.Target) string {
	free, err := h.Free(ctx, t.Dir)
	if err != nil || free < 0 {
		return ", free space unknown (a full disk is noticed late)"
	}
	return fmt.Sprintf(", %.1f GiB free", float64(free)/(1<<30))
}

// reportAbilities says what uploads can rely on there.
func reportAbilities(can sshpool.Abilities, r *report) {
	switch {
	case !can.DirRenameExclusive:
		r.fail("claims", "uploads cannot be kept apart: %s", can.Why["DirRenameExclusive"])
	case can.HardLink:
		r.good("publication", "create-only by hard link: an existing file is never replaced unasked")
	case can.RenameCreateOnly:
		r.good("publication", "create-only by rename: an existing file is not replaced unasked")
	default:
		r.warn("publication", "a file created at the target at the moment of publishing could be replaced: %s", reasons(can, "HardLink", "RenameCreateOnly"))
	}
	if can.Durable() {
		r.good("durability", "full: files and directories are synced before they are acknowledged")
	} else {
		r.warn("durability", "degraded: a power cut on the host can lose acknowledged data: %s", reasons(can, "Fsync", "DirSync"))
	}
	if can.Reflink {
		r.good("writes", "each byte is written once: merging shares the chunks' blocks (reflink)")
	} else {
		r.good("writes", "each byte is written twice, on arrival and on merge. %s", reasons(can, "Reflink"))
	}
	if can.HashTool != "" {
		r.good("verification", "the whole file is hashed on the host with %s", can.HashTool)
	} else {
		r.warn("verification", "a declared digest is checked by reading the file back through the gateway: %s", reasons(can, "HashTool"))
	}
}

func reasons(can sshpool.Abilities, abilities ...string) string {
	var why []string
	for _, a := range abilities {
		if w := can.Why[a]; w != "" {
			why = append(why, w)
		}
	}
	return strings.Join(why, " ")
}

// reportEngine lets the engines prove themselves in the root, as the first merge
// there would.
func reportEngine(ctx context.Context, h *staging.Host, t staging.Target, r *report) {
	choice, err := engine.NewSet().Choose(ctx, h, t)
	switch {
	case err != nil:
		r.fail("engine", "%v", err)
	case choice.Engine == slowest():
		r.warn("engine", "%s: every byte crosses the network three times instead of once. %s", choice.Engine, choice.Explain())
	default:
		r.good("engine", "%s. %s", choice.Engine, choice.Explain())
	}
}

// slowest is the engine that copies through the gateway, the only one that does.
func slowest() string {
	all := engine.Names()
	return all[len(all)-1]
}
