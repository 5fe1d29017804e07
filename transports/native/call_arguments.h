/* Arguments of calls with bytes and a number. Included by python_calls.c alone. */
#ifndef IPCBENCH_CALL_ARGUMENTS_H
#define IPCBENCH_CALL_ARGUMENTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Parse the bytes and the count of messages: 0 with an error set where there are none. */
static int
parse_many(PyObject *arguments, const char *format, Py_buffer *view, size_t *count)
{
    Py_ssize_t given;
    if (!PyArg_ParseTuple(arguments, format, view, &given))
        return 0;
    *count = (size_t)given;
    if (given > 0)
        return 1;
    PyErr_Format(PyExc_ValueError, "a call transfers 1 message at least, not %zd", given);
    PyBuffer_Release(view);
    return 0;
}

/* Parse the bytes and the place in a file: 0 with an error set where there are none. */
static int
parse_place(PyObject *arguments, const char *format, Py_buffer *view, uint64_t *place)
{
    long long given;
    if (!PyArg_ParseTuple(arguments, format, view, &given))
        return 0;
    *place = (uint64_t)given;
    if (given >= 0)
        return 1;
    PyErr_Format(PyExc_ValueError, "a place of 0 or more, not %lld", given);
    PyBuffer_Release(view);
    return 0;
}

#endif
