// Package panel speaks with ops panels that name host, person and path in each call.
// Answers are {"code","data","msg"}: 0 and 1 are fine, 2 is busy, −1 is refused.
//
//	POST /panel/get_file_upload_status  {host_id, full_path, hash_code, person_id}
//	POST /panel/get_file_dir_info       {host_id, full_path, person_id}
//	POST /panel/file_chunk_upload       ?host_id=; form: chunk_num (from 1), full_path,
//	                                    person_id, file_info
//	POST /panel/bigfile_merge           ?host_id=&chat_room=&total=
//	                                    {tmp_path, chunk_num, full_path, person_id}
//	GET  /panel/progress/{chat_room}    a WebSocket: {"current","total"}
//
// Every field may stand in the query as well, and so may if_exists, mode, owner, group
// and make_dirs; "overwrite": true is if_exists=replace.
//
// The status takes the path: code 1, also where it was the person's own already; HTTP
// 400 and −1 with the path as data where a file stands there, to ask the person whether
// to overwrite it; code 2, with HTTP 200, while it is another person's. Another
// hash_code begins anew. The other calls carry none, so they are about the upload that
// the person has there.
//
// A chunk has 10 MiB unless chunk_size says otherwise, and counts whole or not at all.
// The file ends where the last of its chunk_num chunks does; total is checked, be it
// bytes or chunks. The answer to the merge is code 0 when the file is published, code 2
// while it is not, and then the same call goes on with it.
//
// tmp_path is a name to be compared: it holds the id of the upload, so that a page does
// not merge what another one has begun meanwhile. No path on the host is made of it.
//
// person_id must be who is asking. Where nobody has to prove that (--auth none), and no
// X-User says it, it is who person_id says. Rooms are of who is asking, as
// authentication says it, since a WebSocket has no field for a person.
package panel
