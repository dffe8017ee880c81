"""How kernels are to hand memory back: environment variables for `course lab`, `course run` and `course test`."""

from __future__ import annotations

# For glibc; other systems' allocators ignore them. A tensor of 16 MB or more is given back when it is freed, or else
# the holes that they leave in the heap add up to hundreds of megabytes, another number in every run; and large pages,
# where the system has them, without which giving back costs a third of the time.
MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(16 * 1024**2), "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
