package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"sftpgate/remote/link"
	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// examineRoot tries out one root: that it is there and can be written, what
// the host can do in it, and which engine merges there.
func examineRoot(ctx context.Context, h *stage.Host, root string, r *report) {
	user := h.Config().User
	var info fs.FileInfo
	err := h.Pool().Do(ctx, func(c *link.Conn) (err error) {
		info, err = c.SFTP().Stat(root)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.fail("root", "%s does not exist; on the host: install -d -o %s %s", root, user, root)
		return
	case errors.Is(err, fs.ErrPermission):
		r.fail("root", "user %s may not look at %s; let it pass the directories above (chmod o+x, or a group)", user, root)
		return
	case err != nil:
		r.fail("root", "%s: %v", root, err)
		return
	case !info.IsDir():
		r.fail("root", "%s is no directory; correct roots in hosts.yaml", root)
		return
	}
	t, err := h.ResolveDir(ctx, root)
	if err != nil {
		r.fail("root", "%s: %v", root, err)
		return
	}
	can, err := h.Abilities(ctx, t)
	var denied *stage.PermissionError
	switch {
	case errors.As(err, &denied):
		r.fail("root", "user %s cannot write %s; on the host: chown %s %s (or give a group that it is in the right to write)", user, root, user, root)
		return
	case err != nil:
		r.fail("root", "%s: %v", root, err)
		return
	}
	r.good("root", "%s can be written%s", root, freeText(ctx, h, t))
	reportAbilities(can, r)
	if can.DirRenameExclusive {
		reportEngine(ctx, h, t, r)
	}
}

func freeText(ctx context.Context, h *stage.Host, t stage.Target) string {
	free, err := h.Free(ctx, t.Dir)
	if err != nil || free < 0 {
		return ", free space not known (full disks are noticed late)"
	}
	return fmt.Sprintf(", %.1f GiB free", float64(free)/(1<<30))
}

// reportAbilities says what uploads can rely on there.
func reportAbilities(can link.Abilities, r *report) {
	switch {
	case !can.DirRenameExclusive:
		r.fail("claims", "cannot be kept apart there: %s", can.Why["DirRenameExclusive"])
	case can.HardLink:
		r.good("publication", "create-only by hard link: a file that exists is never replaced unasked")
	case can.RenameCreateOnly:
		r.good("publication", "create-only by rename: a file that exists is not replaced unasked")
	default:
		r.warn("publication", "a file that appears at the target in the very moment of publication could be replaced: %s", reasons(can, "HardLink", "RenameCreateOnly"))
	}
	if can.Durable() {
		r.good("durability", "full: files and directories are synced before they are acknowledged")
	} else {
		r.warn("durability", "degraded, a power cut of the host can lose what was acknowledged: %s", reasons(can, "Fsync", "DirSync"))
	}
	if can.HashTool != "" {
		r.good("verification", "the whole file is hashed on the host by %s", can.HashTool)
	} else {
		r.warn("verification", "a declared digest is checked by reading the file back through the gateway: %s", reasons(can, "HashTool"))
	}
}

func reasons(can link.Abilities, abilities ...string) string {
	var why []string
	for _, a := range abilities {
		if w := can.Why[a]; w != "" {
			why = append(why, w)
		}
	}
	return strings.Join(why, " ")
}

// reportEngine finds the engine as the first merge would: an empty upload is
// staged, the engines prove themselves in it, best first, and it is removed.
func reportEngine(ctx context.Context, h *stage.Host, dir stage.Target, r *report) {
	choice, err := proveEngine(ctx, h, dir)
	if err != nil {
		r.fail("engine", "%v", err)
		return
	}
	worse := ""
	for _, name := range []string{"shell", "copy-data"} {
		if why, refused := choice.Why[name]; refused {
			worse += fmt.Sprintf("; not %s: %s", name, why)
		}
	}
	if choice.Engine == "stream" && worse != "" {
		r.warn("engine", "stream, every byte crosses the network three times instead of once%s", worse)
		return
	}
	r.good("engine", "%s%s", choice.Engine, worse)
}

func proveEngine(ctx context.Context, h *stage.Host, dir stage.Target) (choice merge.Choice, err error) {
	t := dir
	t.Name = "check-" + strings.ToLower(rand.Text())
	meta := record.Meta{ID: t.Name, User: "sftpgate hosts check", Host: t.Host, Size: 0,
		Identity: record.Identify(nil, "", 0), IfExists: "fail", Created: time.Now().UTC()}
	scene, err := h.Look(ctx, t, meta.User)
	if err != nil {
		return choice, err
	}
	g, err := h.Create(ctx, t, meta, scene)
	if err != nil {
		return choice, fmt.Errorf("an upload cannot be staged: %w", err)
	}
	defer func() {
		// Also after the time is up: nothing of ours stays behind.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if rerr := g.Remove(ctx); rerr != nil && err == nil {
			err = fmt.Errorf("the staging of the check could not be removed: %w", rerr)
		}
	}()
	engines := merge.NewEngines()
	engine, err := engines.Open(ctx, g)
	if err != nil {
		return choice, err
	}
	choice, _ = engines.Chosen(t.Host, t.Root)
	if err := engine.Close(); err != nil {
		return choice, fmt.Errorf("the engine %s did not end in good order: %w", engine.Name(), err)
	}
	return choice, nil
}
