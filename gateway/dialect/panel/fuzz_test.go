package panel

import (
	"net/http/httptest"
	"strings"
	"testing"

	"sftpgate/gateway"
)

// FuzzCalls: whatever a call holds, it is about one file by an absolute path without
// detours, and what is wrong with it is the client's fault.
func FuzzCalls(f *testing.F) {
	f.Add("", `{"host_id":"web-1","full_path":"/srv/a","hash_code":"1","person_id":"alice","chunk_num":3}`)
	f.Add("host_id=web-1&full_path=/srv/a&chunk_num=0&chunk_size=0", "")
	f.Add("if_exists=fail", `{"host_id":1,"full_path":"/srv/../a","overwrite":true,"x":{"y":[null]}}`)
	f.Add("mode=9", `[]`)
	f.Fuzz(func(t *testing.T, query, body string) {
		r := httptest.NewRequest("POST", "/panel/get_file_dir_info", strings.NewReader(body))
		r.URL.RawQuery = query
		fields, err := fieldsOf(r)
		if err == nil {
			var to target
			var number int64
			if to, number, err = parse(r, fields); err == nil {
				if gateway.CheckPath(to.Path) != nil || to.Host == "" || number < 1 || to.ChunkSize < 0 || len(to.Content) > 200 {
					t.Fatalf("%q %q: %+v", query, body, to)
				}
				return
			}
		}
		if code := gateway.CodeOf(err); code != gateway.InvalidRequest && code != gateway.TooLarge {
			t.Fatalf("%q %q: %v", query, body, err)
		}
	})
}
