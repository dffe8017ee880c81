"""Environment variables of kernels, for `course lab`, `course run` and `course test`: memory and waiting threads."""

from __future__ import annotations

ENVIRONMENT = {
    # For glibc; other systems' allocators ignore them. A tensor of 16 MB or more is given back when it is freed, or
    # else the holes that they leave in the heap add up to hundreds of megabytes, another number in every run; and large
    # pages, where the system has them, without which giving back costs a third of the time.
    "MALLOC_MMAP_THRESHOLD_": str(16 * 1024**2),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    # For OpenMP. Threads that wait for each other keep their cores busy otherwise. With two cores, and a browser on one
    # of them, training takes twice as long then; with nothing beside it, a tenth less. In small letters: libgomp
    # compares them by the locale, and in a Turkish one PASSIVE is no spelling of passive.
    "OMP_WAIT_POLICY": "passive",
}
