//go:build unix && !linux

package runtimetest

import "syscall"

func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// peakRSS is unknown where there is no /proc.
func peakRSS(int) int64 { return 0 }
