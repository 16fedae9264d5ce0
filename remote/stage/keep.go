package stage

import (
	"context"
	"time"
)

// keepFor bounds the copying of attributes on the host.
const keepFor = 20 * time.Second

// keepAll copies mode, owner, access control lists and extended attributes of
// the file that is replaced, where the account has a shell and the host a cp
// that can. It reports whether it did.
func (p *publisher) keepAll(ctx context.Context) bool {
	sh, err := p.conn.Shell(ctx)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, keepFor)
	defer cancel()
	_, err = sh.Call(ctx, "keep", p.target.Path(), p.Source)
	_ = sh.Close()
	return err == nil
}
