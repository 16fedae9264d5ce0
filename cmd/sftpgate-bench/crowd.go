package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// A crowd is n clients that send the same file at once, each to a name of its own.

// crowdChunks has many uploads in chunks going on at once.
func crowdChunks(ctx context.Context, c client, file source, dir string, n int) error {
	return inLanes(ctx, n, numbers(n), func(ctx context.Context, i int) error {
		u := upload{client: c, file: file, target: filepath.Join(dir, member(i)), chunk: file.size / 4, lanes: 4, shuffle: true}
		_, err := u.send(ctx)
		return err
	})
}

// crowdStreams has many whole files come in at once.
func crowdStreams(ctx context.Context, c client, file source, dir string, n int) error {
	return inLanes(ctx, n, numbers(n), func(ctx context.Context, i int) error {
		return c.put(ctx, file, filepath.Join(dir, member(i)))
	})
}

// member is the name of one of the crowd's files.
func member(i int) string { return fmt.Sprintf("%02d.bin", i) }

func members(file source, n int) []arrival {
	var all []arrival
	for i := range n {
		all = append(all, arrival{member(i), file})
	}
	return all
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
