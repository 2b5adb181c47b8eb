using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>
/// A connection as the kernel returns it: a descriptor and the uid of the peer. No object is created for either until the connection is
/// accepted.
/// </summary>
/// <param name="Descriptor">Must be closed, or turned into a socket.</param>
/// <param name="Uid">The uid, as in <see cref="PeerCredentials"/>.</param>
[StructLayout(LayoutKind.Auto)]
public readonly partial record struct Accepted(int Descriptor, uint Uid)
{
    /// <summary>Rejects the connection.</summary>
    public void Close() => _ = CloseDescriptor(Descriptor);

    /// <summary>Accepts the connection; from now on the socket owns the descriptor.</summary>
    /// <exception cref="SocketException">The peer closed the connection in a way that leaves no socket.</exception>
    public Socket ToSocket() => new(new SafeSocketHandle(Descriptor, ownsHandle: true));

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseDescriptor(int descriptor);
}

/// <summary>
/// Accepts connections from a listening socket, on the calling thread and with nothing but system calls: a rejected connection costs three
/// of them, and no memory.
/// </summary>
public sealed partial class Acceptor : IDisposable
{
    private const int Again = 11, Interrupted = 4, Aborted = 103, TooManyHere = 24, TooManyOnTheMachine = 23, NoMemory = 12, NoBuffers =
        105;
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800; // SOCK_CLOEXEC, SOCK_NONBLOCK
    private const short Readable = 1; // POLLIN
    private const int SolSocket = 1, SoPeerCred = 17;

    private readonly SafeFileHandle stop = new(EventDescriptor(0, CloseOnExec | NonBlocking), ownsHandle: true);

    /// <summary>Waits for a connection, at most for the given time.</summary>
    /// <returns>False once <see cref="Stop"/> was called.</returns>
    public bool Wait(Socket? listening, TimeSpan atMost)
    {
        Span<Poll> both = [new Poll { Descriptor = (int)stop.DangerousGetHandle(), Wanted = Readable },
            new Poll { Descriptor = listening is null ? -1 : (int)listening.Handle, Wanted = Readable }];
        _ = PollDescriptors(ref both[0], (nuint)both.Length, (int)atMost.TotalMilliseconds);
        return both[0].Happened == 0;
    }

    /// <summary>Returns the next connection; null if none is waiting.</summary>
    /// <param name="listening">A socket in non-blocking mode.</param>
    /// <param name="isExhausted">Whether descriptors or memory are exhausted, so that a connection may be waiting.</param>
    /// <exception cref="SocketException">The socket can no longer accept connections.</exception>
    public static unsafe Accepted? Next(Socket listening, out bool isExhausted)
    {
        isExhausted = false;
        var descriptor = Accept((int)listening.Handle, 0, 0, CloseOnExec | NonBlocking);
        if (descriptor < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            isExhausted = error is TooManyHere or TooManyOnTheMachine or NoMemory or NoBuffers;
            return isExhausted || error is Again or Interrupted or Aborted ? null : throw new SocketException(error);
        }
        PeerCredentials peer;
        var size = sizeof(PeerCredentials);
        var known = Option(descriptor, SolSocket, SoPeerCred, &peer, &size) == 0;
        return new Accepted(descriptor, known ? peer.Uid : uint.MaxValue);
    }

    /// <summary>Ends every wait, including future ones.</summary>
    public void Stop() => _ = Write(stop, 1, sizeof(ulong));

    /// <summary>Whether the peer has closed the connection completely, not only finished sending.</summary>
    public static bool IsGone(Socket connection)
    {
        var held = false;
        try
        {
            connection.SafeHandle.DangerousAddRef(ref held);
            var one = new Poll { Descriptor = (int)connection.SafeHandle.DangerousGetHandle() };
            return PollDescriptors(ref one, 1, 0) != 0;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
        finally
        {
            if (held)
                connection.SafeHandle.DangerousRelease();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => stop.Dispose();

    [StructLayout(LayoutKind.Sequential)]
    private struct Poll
    {
        public int Descriptor;

        // poll(2) reports a closed peer (POLLHUP) and a closed descriptor (POLLNVAL) even if they are not requested.
        public short Wanted;
        public short Happened;
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int PollDescriptors(ref Poll first, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    private static partial int Accept(int listening, nint address, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "getsockopt")]
    private static unsafe partial int Option(int descriptor, int level, int option, PeerCredentials* value, int* size);

    [LibraryImport("libc", EntryPoint = "eventfd")]
    private static partial int EventDescriptor(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(SafeFileHandle descriptor, in ulong value, nuint size);
}
