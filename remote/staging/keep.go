package staging

import (
	"context"
	"time"

	"sftpgate/remote/shell"
)

// copyAttributesTimeout bounds the copying of attributes on the host, and the start of a shell for it.
const copyAttributesTimeout = shell.LoginTimeout + 20*time.Second

// copyAttributes copies mode, owner, access control lists and extended attributes of
// the file that is replaced, where the account has a shell and the host a cp
// that can. It reports whether it did.
func (p *publisher) copyAttributes(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, copyAttributesTimeout)
	defer cancel()
	sh, err := p.host.pool.Shell(ctx)
	if err != nil {
		return false
	}
	defer sh.Close()
	_, err = sh.Call(ctx, "keep", p.target.Path(), p.Source)
	return err == nil
}
