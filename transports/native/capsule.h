/* Capsules of operations, and the parts of the module. */
#ifndef IPCBENCH_CAPSULE_H
#define IPCBENCH_CAPSULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "ops.h"

/* Make a capsule over a copy of `ops`. `ops->ctx`, of PyMem_RawMalloc, belongs to the capsule,
 * which calls `dispose` (or NULL) on it and frees it. `owner`, the endpoint or whatever holds the
 * handles, lives as long as the capsule.
 * On failure: NULL, with an error set and `ctx` disposed of. */
PyObject *ipcbench_capsule(struct ipcbench_ops ops, PyObject *owner, void (*dispose)(void *ctx));

/* Make a memoryview of a slot that `peek` or `loan` points to. It keeps the capsule, which keeps
 * the slot mapped (ops.h). NULL with an error set. */
PyObject *ipcbench_view(PyObject *capsule, void *slot, Py_ssize_t size, int readonly);

/* A converter of PyArg_ParseTuple ("O&"): a `WaitPolicy` of Python to a `struct wait_policy`. */
int ipcbench_wait_policy(PyObject *given, void *converted);

/* (name in ops.h, name at an endpoint, action, in place alone) of each operation that Python
 * calls: see operations.h. NULL with an error set. */
PyObject *ipcbench_operation_names(void);

/* The parts of the module: tables of functions, and types. */
extern PyMethodDef ipcbench_null[];
extern PyMethodDef ipcbench_descriptors[];
extern PyMethodDef ipcbench_datagram_hubs[];
extern PyMethodDef ipcbench_queues[];
extern PyMethodDef ipcbench_signalling[];
extern PyMethodDef ipcbench_waiters[];
extern PyMethodDef ipcbench_counted_rings[];
extern PyMethodDef ipcbench_rings[];
extern PyMethodDef ipcbench_newest[];
extern PyMethodDef ipcbench_memfd_passed[];
extern PyMethodDef ipcbench_memfd_pool[];
extern PyMethodDef ipcbench_process_vm[];
extern PyMethodDef ipcbench_vmsplice[];
extern PyMethodDef ipcbench_files[];
extern PyTypeObject ipcbench_calls;
extern PyTypeObject ipcbench_exporter; /* slot_view.c */
extern PyTypeObject ipcbench_memory_waiter;

#endif
