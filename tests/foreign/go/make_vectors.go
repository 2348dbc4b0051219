// Prints roots and proofs as golang.org/x/mod's sumdb/tlog makes them, in JSON.
//
// Leaf n is the text "leaf n". All proofs of the trees of 1 to 64 leaves are there, and some of
// trees around the sizes at which a tile of 256 hashes becomes full. A hash is named by its place
// in `hashes`: roots are [size, root], inclusion [size, index, proof], consistency
// [size, old size, proof].
package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const complete = 64

var (
	large   = []int64{255, 256, 257, 511, 512, 513, 1000, 65535, 65536, 65537, 66000}
	indexes = []int64{0, 1, 100, 255, 256, 300, 511, 512, 999, 65279, 65280, 65535, 65536, 65999}
	stored  []tlog.Hash
	places  = map[tlog.Hash]int{}
	hashes  []string
)

func main() {
	var roots, inclusion, consistency []string
	grow(large[len(large)-1])
	for _, size := range sizes() {
		root := must(tlog.TreeHash(size, tlog.HashReaderFunc(read)))
		roots = append(roots, fmt.Sprintf("[%d,%d]", size, place(root)))
		for _, index := range within(size, 0, size-1) {
			proof := must(tlog.ProveRecord(size, index, tlog.HashReaderFunc(read)))
			inclusion = append(inclusion, fmt.Sprintf("[%d,%d,%s]", size, index, list(proof)))
		}
		for _, old := range within(size, 1, size) {
			proof := must(tlog.ProveTree(size, old, tlog.HashReaderFunc(read)))
			consistency = append(consistency, fmt.Sprintf("[%d,%d,%s]", size, old, list(proof)))
		}
	}
	fmt.Printf("{\"roots\":[\n%s],\n\"inclusion\":[\n%s],\n\"consistency\":[\n%s],\n\"hashes\":[\n%s]}\n",
		lines(roots), lines(inclusion), lines(consistency), strings.Join(hashes, ",\n"))
}

func sizes() (all []int64) {
	for size := int64(1); size <= complete; size++ {
		all = append(all, size)
	}
	return append(all, large...)
}

// within returns all numbers from first to last for a small tree, for a large one only some.
func within(size, first, last int64) (some []int64) {
	if size <= complete {
		for number := first; number <= last; number++ {
			some = append(some, number)
		}
		return some
	}
	for _, number := range indexes {
		if first <= number && number <= last {
			some = append(some, number)
		}
	}
	return some
}

func grow(size int64) {
	for index := int64(0); index < size; index++ {
		leaf := []byte(fmt.Sprintf("leaf %d", index))
		stored = append(stored, must(tlog.StoredHashes(index, leaf, tlog.HashReaderFunc(read)))...)
	}
}

func read(indexes []int64) (found []tlog.Hash, _ error) {
	for _, index := range indexes {
		found = append(found, stored[index])
	}
	return found, nil
}

func place(hash tlog.Hash) int {
	if _, known := places[hash]; !known {
		places[hash] = len(hashes)
		hashes = append(hashes, fmt.Sprintf("%q", hash.String()))
	}
	return places[hash]
}

func list(proof []tlog.Hash) string {
	var numbers []string
	for _, hash := range proof {
		numbers = append(numbers, fmt.Sprint(place(hash)))
	}
	return "[" + strings.Join(numbers, ",") + "]"
}

// lines joins ten to a line, so that the file can be read and its changes be seen.
func lines(items []string) string {
	var joined []string
	for ; len(items) > 10; items = items[10:] {
		joined = append(joined, strings.Join(items[:10], ","))
	}
	return strings.Join(append(joined, strings.Join(items, ",")), ",\n")
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return value
}
