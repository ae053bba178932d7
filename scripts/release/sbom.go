package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// gomod writes bills of materials in the form of CycloneDX, from what the linker noted
// in a binary.
const gomod = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"

// materials returns the bill of materials of a binary: its modules, Go's own library
// among them, each with its version and hash.
func materials(binary, version string) ([]byte, error) {
	cmd := exec.Command("go", "run", gomod, "bin", "-json", "-noserial", "-std", "-version", version, binary)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list the modules of %s: %w", binary, err)
	}
	return timeless(text)
}

// timeless leaves out when and by which binary of the tool a bill was made, so that it
// is the same whenever and wherever that is.
func timeless(bill []byte) ([]byte, error) {
	var content map[string]any
	if err := json.Unmarshal(bill, &content); err != nil {
		return nil, err
	}
	metadata, _ := content["metadata"].(map[string]any)
	delete(metadata, "timestamp")
	tools, _ := metadata["tools"].([]any)
	for _, tool := range tools {
		delete(tool.(map[string]any), "hashes")
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(content)
	return out.Bytes(), err
}
