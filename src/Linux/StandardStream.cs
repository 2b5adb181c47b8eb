using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>
/// One of the standard streams of the process, used directly. The runtime's own (<c>Console.OpenStandardOutput</c>) changes the key
/// settings of the terminal before it writes the first byte, and <c>tsh ssh</c> would leave them changed; a FileStream writes at an offset
/// of its own, over the output of other processes in the same file.
/// </summary>
public sealed partial class StandardStream : Stream
{
    private const int Interrupted = 4, Again = 11, BrokenPipe = 32;
    private const short Readable = 1, Writable = 4;

    private readonly int descriptor;
    private bool isGone;

    private StandardStream(int descriptor) => this.descriptor = descriptor;

    /// <summary>Returns standard input.</summary>
    public static StandardStream Input() => new(0);

    /// <summary>Returns standard output. Once its reader is gone (<c>| head -1</c>), further output is dropped without an error.</summary>
    public static StandardStream Output() => new(1);

    /// <summary>Returns standard error. Output that nobody can read is dropped: a full disk behind stderr makes no command fail.</summary>
    public static StandardStream Error() => new(2);

    /// <summary>Waits until nobody reads standard output any more, even if little is written to it.</summary>
    public static unsafe void AwaitReaderGone()
    {
        // No event is requested, so it returns when the other end is gone (POLLHUP, POLLERR).
        var output = new Wanted { Descriptor = 1 };
        while (PollDescriptors(&output, 1, -1) < 0)
        {
        }
    }

    /// <summary>Returns how many columns the terminal on standard output has; null if it is not a terminal.</summary>
    public static unsafe int? Columns()
    {
        const nuint GetWindowSize = 0x5413;
        var size = stackalloc ushort[4];
        return Control(1, GetWindowSize, size) == 0 && size[1] > 0 ? size[1] : null;
    }

    /// <inheritdoc/>
    public override bool CanRead => descriptor == 0;

    /// <inheritdoc/>
    public override bool CanWrite => descriptor != 0;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    /// <exception cref="IOException">It cannot be read.</exception>
    public override unsafe int Read(Span<byte> buffer)
    {
        while (true)
        {
            nint count;
            fixed (byte* start = buffer)
                count = ReadDescriptor(descriptor, start, (nuint)buffer.Length);
            if (count >= 0)
                return (int)count;
            Await(Readable, "standard input cannot be read");
        }
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">Writing failed, for example because the disk is full.</exception>
    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        while (!isGone && buffer.Length > 0)
        {
            nint count;
            fixed (byte* start = buffer)
                count = WriteDescriptor(descriptor, start, (nuint)buffer.Length);
            if (count >= 0)
                buffer = buffer[(int)count..];
            else if (Marshal.GetLastPInvokeError() == BrokenPipe)
                isGone = true;
            else
                Await(Writable, "standard output cannot be written");
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    // The parent process may have left the descriptor non-blocking.
    private unsafe void Await(short what, string failure)
    {
        var error = Marshal.GetLastPInvokeError();
        if (error == Again)
        {
            var wanted = new Wanted { Descriptor = descriptor, Events = what };
            _ = PollDescriptors(&wanted, 1, -1);
        }
        else if (error != Interrupted)
        {
            isGone = descriptor == 2;
            if (!isGone)
                throw new IOException($"{failure}: {Marshal.GetPInvokeErrorMessage(error).ToLowerInvariant()}");
        }
    }

    // struct pollfd
    [StructLayout(LayoutKind.Sequential)]
    private struct Wanted
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static unsafe partial nint ReadDescriptor(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint WriteDescriptor(int descriptor, byte* buffer, nuint count);

    // struct winsize: rows, columns, and two unused fields.
    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static unsafe partial int Control(int descriptor, nuint request, ushort* size);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static unsafe partial int PollDescriptors(Wanted* descriptors, nuint count, int timeout);
}
