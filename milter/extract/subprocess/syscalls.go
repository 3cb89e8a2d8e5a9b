package subprocess

import (
	"os"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// architectures are those of which the filter knows the system calls.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// allowed are the system calls that the Go runtime and the race detector need to compute,
// and those that read and write what is open.
var allowed = []uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT,
	unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_MPROTECT, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_BRK,
	unix.SYS_FUTEX, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_GETTID, unix.SYS_GETPID,
	unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_SIGALTSTACK,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_RESTART_SYSCALL,
	unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_GETTIMEOFDAY, unix.SYS_GETRANDOM,
	unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
}

// restrict makes the kernel refuse all other system calls of the process. It can still
// start threads, and send signals to itself, but it can start no process and reach none.
// The limit of open files alone does not prevent this. If the kernel cannot do it, or a
// sandbox forbids it, the limits stay: an unread document could go out unencrypted.
func restrict() {
	architecture, known := architectures[runtime.GOARCH]
	if !known {
		return
	}
	filter := syscallFilter(architecture, uint32(os.Getpid()))
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread() // both calls are about this thread, and TSYNC is about all
	defer runtime.UnlockOSThread()
	unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) // without it, only root may set a filter
	unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
}

// syscallFilter returns a program for the kernel: see seccomp(2).
func syscallFilter(architecture, self uint32) []unix.SockFilter {
	// Offsets in struct seccomp_data. Both architectures are little-endian.
	const number, arch, argument = 0, 4, 16
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	end := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	allow, refuse := end(unix.SECCOMP_RET_ALLOW), end(unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM))
	// when is a test of what was loaded. If it fails, the program continues after then.
	when := func(test uint16, value uint32, then ...unix.SockFilter) []unix.SockFilter {
		return append([]unix.SockFilter{{Code: unix.BPF_JMP | unix.BPF_K | test, Jf: uint8(len(then)), K: value}}, then...)
	}
	filter := slices.Concat(
		[]unix.SockFilter{load(arch), {Code: unix.BPF_JMP | unix.BPF_K | unix.BPF_JEQ, Jt: 1, K: architecture}, refuse, load(number)},
		when(unix.BPF_JEQ, unix.SYS_CLONE, slices.Concat([]unix.SockFilter{load(argument)}, when(unix.BPF_JSET, unix.CLONE_THREAD, allow), []unix.SockFilter{refuse})...),
		when(unix.BPF_JEQ, unix.SYS_TGKILL, slices.Concat([]unix.SockFilter{load(argument)}, when(unix.BPF_JEQ, self, allow), []unix.SockFilter{refuse})...),
		// The filter cannot see its arguments. C libraries then use clone.
		when(unix.BPF_JEQ, unix.SYS_CLONE3, end(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS))),
	)
	for _, call := range allowed {
		filter = append(filter, when(unix.BPF_JEQ, call, allow)...)
	}
	return append(filter, refuse)
}
