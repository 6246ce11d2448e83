// Command importproto writes the .proto files that this project's own import, and that are not part of every Protobuf compiler, below the
// folder named as its argument: buf/validate/validate.proto and google/rpc/status.proto.
//
// Their Go forms are dependencies of the server; printing the sources from those keeps the two at the same version and needs no second
// registry.
package main

import (
	"fmt"
	"os"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: importproto FOLDER")
		os.Exit(2)
	}
	files := []protoreflect.FileDescriptor{validate.File_buf_validate_validate_proto, status.File_google_rpc_status_proto}
	if err := new(protoprint.Printer).PrintProtosToFileSystem(files, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "importproto:", err)
		os.Exit(1)
	}
}
