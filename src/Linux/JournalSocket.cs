using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>
/// The socket of the systemd journal for entries with fields (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): a datagram for each entry, or
/// a sealed file in memory if it is too long for one.
/// </summary>
public sealed partial class JournalSocket : IDisposable
{
    /// <summary>Where systemd-journald listens.</summary>
    public const string WellKnownPath = "/run/systemd/journal/socket";

    // A journal that takes nothing for so long does not work.
    private const int Patience = 2000;

    private const uint CloseOnExec = 1, AllowSealing = 2; // MFD_CLOEXEC, MFD_ALLOW_SEALING
    private const int AddSeals = 1033, AllSeals = 15; // F_ADD_SEALS; F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE
    private const int SocketLevel = 1, Rights = 1, NoSignal = 0x4000; // SOL_SOCKET, SCM_RIGHTS, MSG_NOSIGNAL

    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = Patience };

    /// <exception cref="IOException">Nobody listens there.</exception>
    public JournalSocket(string path = WellKnownPath)
    {
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"no journal listens at {path}: {e.Message}", e);
        }
    }

    /// <summary>Hands an entry to the journal.</summary>
    /// <param name="entry">The fields, in the form of the protocol.</param>
    /// <exception cref="IOException">The journal does not take it.</exception>
    public void Send(ReadOnlySpan<byte> entry)
    {
        try
        {
            socket.Send(entry);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.MessageSize or SocketError.NoBufferSpaceAvailable)
        {
            SendFile(entry);
        }
        catch (SocketException e)
        {
            throw new IOException($"the journal does not take an entry: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    private void SendFile(ReadOnlySpan<byte> entry)
    {
        using var file = CreateMemoryFile("certauthority-audit", CloseOnExec | AllowSealing);
        if (file.IsInvalid)
            throw Failed("a file in memory cannot be made");
        RandomAccess.Write(file, entry, 0);
        if (Control(file, AddSeals, AllSeals) != 0)
            throw Failed("a file in memory cannot be sealed");
        SendDescriptor(file);
    }

    /// <summary>Sends an empty datagram with a descriptor, which .NET cannot.</summary>
    private unsafe void SendDescriptor(SafeFileHandle file)
    {
        var isHeld = false;
        try
        {
            file.DangerousAddRef(ref isHeld);
            var control = new DescriptorMessage
            {
                Length = 20, // CMSG_LEN(sizeof(int))
                Level = SocketLevel,
                Type = Rights,
                Descriptor = (int)file.DangerousGetHandle(),
            };
            var message = new MessageHeader { Control = &control, ControlLength = (nuint)sizeof(DescriptorMessage) };
            if (SendMessage(socket.SafeHandle, &message, NoSignal) < 0)
                throw Failed("the journal does not take a long entry");
        }
        finally
        {
            if (isHeld)
                file.DangerousRelease();
        }
    }

    private static IOException Failed(string what) => new($"{what}: {new Win32Exception().Message}");

    // struct msghdr of sendmsg(2) on machines of 64 bits.
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public void* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    // struct cmsghdr with one descriptor, padded to CMSG_SPACE(sizeof(int)).
    [StructLayout(LayoutKind.Sequential, Size = 24)]
    private struct DescriptorMessage
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int Descriptor;
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, int command, int argument);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static unsafe partial nint SendMessage(SafeSocketHandle socket, MessageHeader* message, int flags);
}
