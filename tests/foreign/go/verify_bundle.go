// Verifies a folder of evidence offline with golang.org/x/mod's sumdb/note and sumdb/tlog.
//
//	verify_bundle FOLDER [KEYS]
//
// KEYS is a file of keys that was not taken from the folder; without it FOLDER/log.vkey is believed.
// Prints OK and exits with 0, or FAIL with the reason and exits with 1.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type checkpoint struct {
	signed, origin string
	size           int64
	root           tlog.Hash
}

type leaf struct {
	V, Version, Position int64
	Stream, Seller       string
	State                string `json:"state_sha256"`
	Prev                 *string
	index                int64
	hash                 tlog.Hash
}

var folder string

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: verify_bundle FOLDER [KEYS]")
		os.Exit(2)
	}
	folder = os.Args[1]
	known := keys(append(os.Args[2:], filepath.Join(folder, "log.vkey"))[0])
	now := readCheckpoint(read("checkpoint"), known)
	old := consistency(now, known)
	leaves := inclusion(now)
	stream, last := head(now, known)
	history(leaves, stream, now.origin[strings.LastIndex(now.origin, "/")+1:], last)
	fmt.Printf("OK go %s: %d of %d leaves, versions 1 to %d of %s%s\n",
		now.origin, len(leaves), now.size, last, stream, old)
}

func refuse(format string, arguments ...interface{}) {
	fmt.Printf("FAIL "+format+"\n", arguments...)
	os.Exit(1)
}

func read(name string) string {
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		refuse("%s can't be read: %v", name, err)
	}
	return string(content)
}

func keys(file string) note.Verifiers {
	content, err := os.ReadFile(file)
	if err != nil {
		refuse("no keys: %v", err)
	}
	var list []note.Verifier
	for _, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
		verifier, err := note.NewVerifier(line)
		if err != nil {
			refuse("key %.80q: %v", line, err)
		}
		if !strings.HasPrefix(line, fmt.Sprintf("%s+%08x+", verifier.Name(), verifier.KeyHash())) {
			refuse("key %.80q is written another way", line)
		}
		list = append(list, verifier)
	}
	return note.VerifierList(list...)
}

// open returns the lines of a signed note, signed with a known key under the name of its origin.
func open(name, signed string, known note.Verifiers, originLine int) []string {
	opened, err := note.Open([]byte(signed), known)
	if err != nil {
		refuse("%s: %v", name, err)
	}
	lines := strings.Split(strings.TrimSuffix(opened.Text, "\n"), "\n")
	if len(lines) <= originLine || opened.Sigs[0].Name != lines[originLine] {
		refuse("%s is signed under another name than its origin's", name)
	}
	for _, each := range append(opened.Sigs, opened.UnverifiedSigs...) {
		content, _ := base64.StdEncoding.DecodeString(each.Base64)
		if base64.StdEncoding.EncodeToString(content) != each.Base64 {
			refuse("%s: a signature in base64 that is not canonical", name)
		}
	}
	return lines
}

func readCheckpoint(signed string, known note.Verifiers) checkpoint {
	lines := open("checkpoint", signed, known, 0)
	if len(lines) < 3 {
		refuse("a checkpoint has an origin, a size and a root")
	}
	return checkpoint{signed, lines[0], number(lines[1]), hash(lines[2])}
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value < 0 || strconv.FormatInt(value, 10) != text {
		refuse("no decimal number: %.40q", text)
	}
	return value
}

func hash(text string) tlog.Hash {
	value, err := tlog.ParseHash(text)
	if err != nil || value.String() != text {
		refuse("no hash in base64: %.60q", text)
	}
	return value
}

func hashes(lines []string) (list []tlog.Hash) {
	for _, line := range lines {
		list = append(list, hash(line))
	}
	return list
}

// consistency checks that the tree grew from the one of checkpoint.old, where there is one.
func consistency(now checkpoint, known note.Verifiers) string {
	if !exists("checkpoint.old") {
		return "; no checkpoint.old, so that it only grew is not checked"
	}
	old := readCheckpoint(read("checkpoint.old"), known)
	if old == now {
		return ", the same as before"
	}
	text, signed, _ := strings.Cut(read("consistency"), "\n\n")
	lines := strings.Split(text, "\n")
	if old.origin != now.origin || signed != now.signed || lines[0] != fmt.Sprintf("old %d", old.size) {
		refuse("the consistency file is not about these two checkpoints")
	}
	proof := hashes(lines[1:])
	if old.size == 0 && (len(proof) > 0 || old.root != sha256.Sum256(nil)) {
		refuse("the empty tree has one root, and no proof")
	}
	if old.size > 0 {
		if err := tlog.CheckTree(proof, now.size, now.root, old.size, old.root); err != nil {
			refuse("consistency %d to %d: %v", old.size, now.size, err)
		}
	}
	return fmt.Sprintf(", grown from %d", old.size)
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(folder, name))
	return err == nil
}

func names(kind, suffix string) (list []string) {
	entries, err := os.ReadDir(filepath.Join(folder, kind))
	if err != nil {
		refuse("%v", err)
	}
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), suffix)
		if name+suffix != entry.Name() {
			refuse("%s/%s does not belong here", kind, entry.Name())
		}
		number(name)
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// inclusion returns the leaves by version; each is in the tree at the index of its file's name.
func inclusion(now checkpoint) (leaves []leaf) {
	if fmt.Sprint(names("leaves", "")) != fmt.Sprint(names("proofs", ".tlog-proof")) {
		refuse("not one proof for each leaf")
	}
	for _, name := range names("leaves", "") {
		content, index := read("leaves/"+name), number(name)
		text, signed, _ := strings.Cut(read("proofs/"+name+".tlog-proof"), "\n\n")
		lines := strings.Split(text, "\n")
		if len(lines) > 1 && strings.HasPrefix(lines[1], "extra ") {
			lines = append(lines[:1], lines[2:]...)
		}
		if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != "index "+name {
			refuse("proofs/%s.tlog-proof is no proof for index %s", name, name)
		}
		if signed != now.signed {
			refuse("proofs/%s.tlog-proof holds another checkpoint", name)
		}
		found := tlog.RecordHash([]byte(content))
		if err := tlog.CheckRecord(hashes(lines[2:]), now.size, now.root, index, found); err != nil {
			refuse("leaf %s: %v", name, err)
		}
		leaves = append(leaves, readLeaf(content, index, found))
	}
	sort.Slice(leaves, func(a, b int) bool { return leaves[a].Version < leaves[b].Version })
	return leaves
}

func readLeaf(content string, index int64, found tlog.Hash) leaf {
	var members map[string]interface{}
	decoder := json.NewDecoder(strings.NewReader(content))
	decoder.UseNumber()
	made, canonical := leaf{index: index, hash: found}, bytes.Buffer{}
	encoder := json.NewEncoder(&canonical)
	encoder.SetEscapeHTML(false)
	if decoder.Decode(&members) != nil || json.Unmarshal([]byte(content), &made) != nil || made.V != 1 {
		refuse("leaf %d is no leaf of version 1", index)
	}
	if encoder.Encode(members) != nil || canonical.String() != content+"\n" {
		refuse("leaf %d is not canonical JSON", index)
	}
	return made
}

// head returns the stream and its last version at the checkpoint.
func head(now checkpoint, known note.Verifiers) (string, int64) {
	lines := open("head", read("head"), known, 1)
	if len(lines) != 6 || lines[0] != "asin-sync head v1" {
		refuse("head is no head of a stream")
	}
	if lines[1] != now.origin || number(lines[4]) != now.size || hash(lines[5]) != now.root {
		refuse("head is of another checkpoint")
	}
	return lines[2], number(lines[3])
}

// history checks that the leaves are versions 1 to last, each naming the one before it, with events.
func history(leaves []leaf, stream, seller string, last int64) {
	if int64(len(leaves)) != last || len(names("events", ".json")) != len(leaves) {
		refuse("%d leaves and %d events for %d versions", len(leaves), len(names("events", ".json")), last)
	}
	var previous *leaf
	for at := range leaves {
		each := leaves[at]
		if each.Version != int64(at+1) || each.Stream != stream || each.Seller != seller {
			refuse("leaf %d is not version %d of %s of %s", each.index, at+1, stream, seller)
		}
		if (previous == nil) != (each.Prev == nil) {
			refuse("leaf %d: only the first version has none before it", each.index)
		}
		if previous != nil && (*each.Prev != hex.EncodeToString(previous.hash[:]) ||
			each.index <= previous.index || each.Position <= previous.Position) {
			refuse("leaf %d does not follow leaf %d", each.index, previous.index)
		}
		digest := sha256.Sum256([]byte(read(fmt.Sprintf("events/%d.json", each.Version))))
		if hex.EncodeToString(digest[:]) != each.State {
			refuse("events/%d.json is not what leaf %d was made from", each.Version, each.index)
		}
		previous = &leaves[at]
	}
}
