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

/* The operations behind a capsule; NULL, with an error set, where it is none of this ABI. */
static inline struct ipcbench_ops *
ipcbench_ops_of(PyObject *capsule)
{
    if (!PyCapsule_IsValid(capsule, IPCBENCH_OPS)) {
        PyErr_Format(PyExc_ValueError,
                     "native() gave %R: it must be None, or a capsule called \"" IPCBENCH_OPS
                     "\", as ops.h says",
                     capsule);
        return NULL;
    }
    struct ipcbench_ops *ops = PyCapsule_GetPointer(capsule, IPCBENCH_OPS);
    if (ops->abi != IPCBENCH_ABI || ops->struct_size < sizeof *ops) {
        PyErr_Format(PyExc_ValueError,
                     "operations of ABI %u, %u bytes: this ipcbench knows ABI %u, %zu bytes: "
                     "%sbuild the plug-in anew with its ops.h",
                     ops->abi, ops->struct_size, IPCBENCH_ABI, sizeof *ops,
                     ops->abi > IPCBENCH_ABI ? "install a newer one, or " : "");
        return NULL;
    }
    return ops;
}

/* What each part of the module brings: tables of functions, and the type `Calls`. */
extern PyMethodDef ipcbench_nothing[];
extern PyMethodDef ipcbench_descriptors[];
extern PyMethodDef ipcbench_queues[];
extern PyMethodDef ipcbench_signalling[];
extern PyMethodDef ipcbench_waiters[];
extern PyMethodDef ipcbench_rings[];
extern PyMethodDef ipcbench_word_rings[];
extern PyTypeObject ipcbench_calls;

#endif
