package runtimetest

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// processAttributes puts the process in a group of its own and ties its life to
// the thread that started it.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// peakRSS is the largest resident set of the process in bytes, 0 when the process
// is gone. The usage that wait reports will not do: on Linux it begins with the
// memory of the parent that forked.
func peakRSS(pid int) int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes * 1024
}
