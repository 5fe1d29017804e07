/* Accesses to a file: by its position, by a place (pread(2)), and by a map. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capsule.h"

#define UNKNOWN UINT64_MAX
#define SPAN (UINT64_C(1) << 20) /* bytes of accesses after which a map is made anew: access.py */

struct file {
    int fd;
    uint64_t extent;   /* bytes of the file */
    uint64_t position; /* of the open file description, which is this end's alone */
    Py_buffer memory;  /* the map, or empty */
    char *fresh;       /* the map that is made anew, or NULL */
    uint64_t left;     /* bytes of accesses before the next one is made */
};

static int
is_inside(const struct file *self, size_t size, uint64_t place)
{
    return size <= self->extent && place <= self->extent - size;
}

/* Set the position where it is another one: lseek(2). 0 or -errno. */
static ssize_t
move_to(struct file *self, uint64_t place)
{
    if (place == self->position)
        return 0;
    if (lseek(self->fd, (off_t)place, SEEK_SET) < 0)
        return -errno;
    self->position = place;
    return 0;
}

/* Call until all bytes are moved, after a signal or a part too. 0 bytes are the end of the file. */
#define MOVE_ALL(one_call)                                                                         \
    for (size_t done = 0; done < size;) {                                                          \
        ssize_t moved = (one_call);                                                                \
        if (moved == 0)                                                                            \
            return -EIO;                                                                           \
        if (moved > 0)                                                                             \
            done += moved;                                                                         \
        else if (errno != EINTR)                                                                   \
            return -errno;                                                                         \
    }

#define AT_POSITION(one_call)                                                                      \
    struct file *self = ctx;                                                                       \
    ssize_t failed = is_inside(self, size, place) ? move_to(self, place) : -EINVAL;                \
    if (failed < 0)                                                                                \
        return failed;                                                                             \
    self->position = UNKNOWN; /* if it fails */                                                    \
    MOVE_ALL(one_call)                                                                             \
    self->position = place + size;                                                                 \
    return size

#define AT_PLACE(one_call)                                                                         \
    struct file *self = ctx;                                                                       \
    if (!is_inside(self, size, place))                                                             \
        return -EINVAL;                                                                            \
    MOVE_ALL(one_call)                                                                             \
    return size

static ssize_t
position_read(void *ctx, void *buffer, size_t size, uint64_t place)
{
    AT_POSITION(read(self->fd, (char *)buffer + done, size - done));
}

static ssize_t
position_write(void *ctx, const void *data, size_t size, uint64_t place)
{
    AT_POSITION(write(self->fd, (const char *)data + done, size - done));
}

static ssize_t
place_read(void *ctx, void *buffer, size_t size, uint64_t place)
{
    AT_PLACE(pread(self->fd, (char *)buffer + done, size - done, (off_t)(place + done)));
}

static ssize_t
place_write(void *ctx, const void *data, size_t size, uint64_t place)
{
    AT_PLACE(pwrite(self->fd, (const char *)data + done, size - done, (off_t)(place + done)));
}

static ssize_t
map_read(void *ctx, void *buffer, size_t size, uint64_t place)
{
    struct file *self = ctx;
    if (!is_inside(self, size, place))
        return -EINVAL;
    memcpy(buffer, (const char *)self->memory.buf + place, size);
    return size;
}

static ssize_t
map_write(void *ctx, const void *data, size_t size, uint64_t place)
{
    struct file *self = ctx;
    if (!is_inside(self, size, place))
        return -EINVAL;
    memcpy((char *)self->memory.buf + place, data, size);
    return size;
}

/* Make the map anew where an access exceeds what is left of its use: 0 or -errno. */
static ssize_t
renew(struct file *self, size_t size)
{
    if (size <= self->left) {
        self->left -= size;
        return 0;
    }
    char *old = self->fresh;
    self->fresh = NULL;
    self->left = 0;
    if (old != NULL)
        munmap(old, self->extent);
    void *made = mmap(NULL, self->extent, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
    if (made == MAP_FAILED)
        return -errno;
    self->fresh = made;
    self->left = size < SPAN ? SPAN - size : 0;
    return 0;
}

static ssize_t
fresh_read(void *ctx, void *buffer, size_t size, uint64_t place)
{
    struct file *self = ctx;
    ssize_t failed = is_inside(self, size, place) ? renew(self, size) : -EINVAL;
    if (failed < 0)
        return failed;
    memcpy(buffer, self->fresh + place, size);
    return size;
}

static ssize_t
fresh_write(void *ctx, const void *data, size_t size, uint64_t place)
{
    struct file *self = ctx;
    ssize_t failed = is_inside(self, size, place) ? renew(self, size) : -EINVAL;
    if (failed < 0)
        return failed;
    memcpy(self->fresh + place, data, size);
    return size;
}

static ssize_t
extent(void *ctx)
{
    return ((struct file *)ctx)->extent;
}

static void
dispose(void *ctx)
{
    struct file *self = ctx;
    PyBuffer_Release(&self->memory); /* no effect where none was taken */
    if (self->fresh != NULL)
        munmap(self->fresh, self->extent);
}

/* In the order of `WAYS` (transports/files/access.py). */
static const struct ipcbench_ops ways[] = {
    {.read_at = position_read, .write_at = position_write, .extent = extent},
    {.read_at = place_read, .write_at = place_write, .extent = extent},
    {.read_at = map_read, .write_at = map_write, .extent = extent},
    {.read_at = fresh_read, .write_at = fresh_write, .extent = extent},
};
#define MAP 2
#define FRESH 3

static PyObject *
file_access(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner, *memory;
    int fd, way;
    long long bytes;
    if (!PyArg_ParseTuple(arguments, "OiOLi:file_access", &owner, &fd, &memory, &bytes, &way))
        return NULL;
    if (way < 0 || way > FRESH || bytes < 0 || (way == MAP) != (memory != Py_None))
        return PyErr_Format(PyExc_ValueError, "no such way of access to a file");
    struct file *self = PyMem_RawCalloc(1, sizeof *self);
    if (self == NULL)
        return PyErr_NoMemory();
    self->fd = fd;
    self->extent = bytes;
    self->position = UNKNOWN; /* Python may have moved it */
    if (way == MAP && PyObject_GetBuffer(memory, &self->memory, PyBUF_WRITABLE) < 0)
        goto failed;
    if (way == MAP && self->memory.len < bytes) {
        PyErr_SetString(PyExc_ValueError, "the map is shorter than the file");
        dispose(self);
        goto failed;
    }
    struct ipcbench_ops ops = ways[way];
    ops.ctx = self;
    return ipcbench_capsule(ops, owner, dispose);
failed:
    PyMem_RawFree(self);
    return NULL;
}

PyMethodDef ipcbench_files[] = {
    {"file_access", file_access, METH_VARARGS,
     "Accesses to a file: owner, its descriptor, its map (of one that stays) or None, its bytes, the way."},
    {NULL, NULL, 0, NULL},
};
