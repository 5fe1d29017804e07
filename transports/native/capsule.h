/* How a capsule of operations is made, and what the parts of the module share. */
#ifndef IPCBENCH_CAPSULE_H
#define IPCBENCH_CAPSULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "ops.h"

/* A capsule over `ops`, which are copied. `ops->ctx` was made by PyMem_RawMalloc and is the
 * capsule's from now on: with the capsule, `dispose` (or NULL) is called on it, and it is freed.
 * `owner`, the endpoint or whatever else holds the handles, lives as long.
 * NULL, with an error set and `ctx` disposed of, where that fails. */
PyObject *ipcbench_capsule(struct ipcbench_ops ops, PyObject *owner, void (*dispose)(void *ctx));

/* A memoryview of a slot that `peek` or `loan` points to; it keeps the capsule, which keeps the
 * slot where it is (ops.h). NULL with an error set. */
PyObject *ipcbench_view(PyObject *capsule, void *slot, Py_ssize_t size, int readonly);

/* What each part of the module brings: tables of functions, and the type `Calls`. */
extern PyMethodDef ipcbench_nothing[];
extern PyMethodDef ipcbench_descriptors[];
extern PyMethodDef ipcbench_queues[];
extern PyMethodDef ipcbench_signalling[];
extern PyMethodDef ipcbench_waiters[];
extern PyMethodDef ipcbench_rings[];
extern PyMethodDef ipcbench_word_rings[];
extern PyTypeObject ipcbench_calls;
extern PyTypeObject ipcbench_exporter; /* slot_view.c */

#endif
