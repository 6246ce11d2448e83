// Command tessera reads a log over HTTP with the client and the fsck of transparency-dev/tessera, which know nothing of Siegel: that they
// understand it shows that other people's monitors do. It is a module of its own, so that their dependencies do not become Siegel's. The
// end-to-end tests run it.
//
//	go -C test/tessera run . URL log.vkey LEAF CHECKPOINT
//
// It verifies the signed head that is served now, derives every tile anew from the entries and compares them with those that are served,
// proves that the leaf with index LEAF is in the log, and that the log has grown out of the one of an earlier CHECKPOINT (a file).
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: tessera URL log.vkey LEAF CHECKPOINT")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := run(ctx, os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "tessera:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address, keyFile, leafArg, earlierFile string) error {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		return fmt.Errorf("read the key of the log: %w", err)
	}
	leaf, err := strconv.ParseUint(leafArg, 10, 64)
	if err != nil {
		return fmt.Errorf("read the index of the leaf: %w", err)
	}
	earlier, err := os.ReadFile(earlierFile)
	if err != nil {
		return err
	}
	root, err := url.Parse(address)
	if err != nil {
		return err
	}
	log, err := client.NewHTTPFetcher(root, nil)
	if err != nil {
		return err
	}
	if err := fsck.New(verifier.Name(), verifier, log, hashes, fsck.Opts{N: 4}).Check(ctx); err != nil {
		return fmt.Errorf("fsck: %w", err)
	}
	fmt.Println("fsck: every tile is what its entries give")
	return prove(ctx, log, verifier, leaf, earlier)
}

// prove proves inclusion and consistency with the head that is served now.
func prove(ctx context.Context, log *client.HTTPFetcher, verifier note.Verifier, leaf uint64, earlier []byte) error {
	tracker, err := client.NewLogStateTracker(ctx, log.ReadTile, earlier, verifier, verifier.Name(), client.UnilateralConsensus(log.ReadCheckpoint))
	if err != nil {
		return fmt.Errorf("open the earlier checkpoint: %w", err)
	}
	from := tracker.Latest().Size
	if _, _, _, err := tracker.Update(ctx); err != nil {
		return fmt.Errorf("prove consistency: %w", err)
	}
	head := tracker.Latest()
	if head.Size <= from {
		return fmt.Errorf("the log has not grown beyond %d leaves, so that consistency was not proved", from)
	}
	fmt.Printf("consistency: %d leaves begin the %d of now\n", from, head.Size)
	hashes, err := client.FetchLeafHashes(ctx, log.ReadTile, leaf, 1, head.Size)
	if err != nil || len(hashes) != 1 {
		return fmt.Errorf("read leaf %d: %w", leaf, err)
	}
	builder, err := client.NewProofBuilder(ctx, head.Size, log.ReadTile)
	if err != nil {
		return err
	}
	path, err := builder.InclusionProof(ctx, leaf)
	if err != nil {
		return fmt.Errorf("prove inclusion: %w", err)
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, leaf, head.Size, hashes[0], path, head.Hash); err != nil {
		return fmt.Errorf("verify inclusion of leaf %d: %w", leaf, err)
	}
	fmt.Printf("inclusion: leaf %d is in\n", leaf)
	return nil
}

// hashes gives the hashes of the leaves of a bundle.
func hashes(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	out := make([][]byte, len(b.Entries))
	for i, e := range b.Entries {
		out[i] = rfc6962.DefaultHasher.HashLeaf(e)
	}
	return out, nil
}
