// Checks a log in C2SP tlog-tiles with nothing of the product's: sumdb's tlog and note, and this.
// usage: tlogcheck DIRECTORY VKEY [PROOF ...]
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return value
}

func check(is bool, format string, arguments ...any) {
	if !is {
		must(0, fmt.Errorf(format, arguments...))
	}
}

// A checkpoint whose signature the key verifies.
func checkpoint(message []byte, vkey string) tlog.Tree {
	verifier := must(note.NewVerifier(vkey))
	signed := must(note.Open(message, note.VerifierList(verifier)))
	lines := strings.Split(signed.Text, "\n")
	check(len(lines) == 4 && lines[0] == verifier.Name(), "not a checkpoint of %s", verifier.Name())
	size := must(strconv.ParseInt(lines[1], 10, 64))
	return tlog.Tree{N: size, Hash: must(tlog.ParseHash(lines[2]))}
}

// The path of C2SP tlog-tiles: sumdb's without the height.
func path(tile tlog.Tile) string { return strings.Replace(tile.Path(), "tile/8/", "tile/", 1) }

type directory struct{ root string }

func (directory) Height() int { return 8 }

func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		bytes, err := os.ReadFile(filepath.Join(d.root, path(tile)))
		if os.IsNotExist(err) {
			full := tile
			full.W = 256
			bytes, err = os.ReadFile(filepath.Join(d.root, path(full)))
		}
		if err != nil || len(bytes) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %v, %d bytes", path(tile), err, len(bytes))
		}
		data = append(data, bytes[:tile.W*tlog.HashSize])
	}
	return data, nil
}

func (directory) SaveTiles([]tlog.Tile, [][]byte) {}

// The records, in the order of the segments' generations.
func records(root string) [][]byte {
	names := must(filepath.Glob(filepath.Join(root, "seg", "*.jsonl")))
	sort.SliceStable(names, func(i, j int) bool { return generation(names[i]) < generation(names[j]) })
	var all [][]byte
	for _, name := range names {
		text := must(os.ReadFile(name))
		all = append(all, bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))...)
	}
	return all
}

func generation(name string) string {
	base := strings.TrimSuffix(filepath.Base(name), ".jsonl")
	return base[strings.LastIndex(base, "-")+1:]
}

func main() {
	root, vkey := os.Args[1], os.Args[2]
	tree := checkpoint(must(os.ReadFile(filepath.Join(root, "checkpoint"))), vkey)
	lines := records(root)
	check(int64(len(lines)) >= tree.N, "%d records, and %d are signed", len(lines), tree.N)

	// The tree by sumdb's own arithmetic, from the records alone.
	var stored []tlog.Hash
	memory := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for number, line := range lines[:tree.N] {
		stored = append(stored, must(tlog.StoredHashes(int64(number), line, memory))...)
	}
	check(must(tlog.TreeHash(tree.N, memory)) == tree.Hash, "the records have another root")

	// Every tile that the checkpoint needs, and what can be proven from tiles alone.
	var needed []tlog.Tile
	for _, tile := range tlog.NewTiles(8, 0, tree.N) {
		// It names every width on the way; a tree of this size has the widest.
		if last := len(needed) - 1; last >= 0 && needed[last].L == tile.L && needed[last].N == tile.N {
			needed[last] = tile
		} else {
			needed = append(needed, tile)
		}
	}
	for i, data := range must(directory{root}.ReadTiles(needed)) {
		check(bytes.Equal(data, must(tlog.ReadTileData(needed[i], memory))), "%s differs", path(needed[i]))
	}
	tiles := tlog.TileHashReader(tree, directory{root})
	for number := int64(0); number < tree.N; number++ {
		proof := must(tlog.ProveRecord(tree.N, number, tiles))
		err := tlog.CheckRecord(proof, tree.N, tree.Hash, number, tlog.RecordHash(lines[number]))
		check(err == nil, "record %d: %v", number, err)
	}

	kept := must(filepath.Glob(filepath.Join(root, "checkpoints", "*")))
	for _, name := range kept {
		old := checkpoint(must(os.ReadFile(name)), vkey)
		err := tlog.CheckTree(must(tlog.ProveTree(tree.N, old.N, tiles)), tree.N, tree.Hash, old.N, old.Hash)
		check(err == nil, "%s: %v", name, err)
	}
	for _, name := range os.Args[3:] {
		prove(must(os.ReadFile(name)), vkey)
	}
	fmt.Printf("%d records, %d tiles, %d checkpoints, %d proofs\n", tree.N, len(needed), len(kept), len(os.Args)-3)
}

// A .tlog-proof whose entry stands in its extra line.
func prove(text []byte, vkey string) {
	head, signed, _ := strings.Cut(string(text), "\n\n")
	tree := checkpoint([]byte(signed), vkey)
	lines := strings.Split(head, "\n")
	check(len(lines) >= 3 && lines[0] == "c2sp.org/tlog-proof@v1", "not a proof")
	entry := must(base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra ")))
	number := must(strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64))
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		proof = append(proof, must(tlog.ParseHash(line)))
	}
	err := tlog.CheckRecord(proof, tree.N, tree.Hash, number, tlog.RecordHash(entry))
	check(err == nil, "the proof of %d: %v", number, err)
}
