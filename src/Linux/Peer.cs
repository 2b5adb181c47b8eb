using System.Buffers;
using System.Collections.Immutable;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>Who opened the other end of an accepted Unix socket, in the kernel's words.</summary>
/// <param name="Uid">As <see cref="PeerCredentials"/> has it.</param>
/// <param name="Groups">The gids of the process: the primary one, then the others.</param>
/// <param name="LoginUid">
/// The uid under which whoever runs the process once logged in; sudo and su leave it as it is. Null where the kernel does not
/// say, and for what nobody logged in for.
/// </param>
/// <param name="Session">The id of the session that the process belongs to; null where the kernel does not say.</param>
public sealed partial record Peer(uint Uid, ImmutableArray<uint> Groups, uint? LoginUid, int? Session = null)
{
    private const int SolSocket = 1;
    private const int SoPeerGroups = 59;
    private const int SoPeerPidFd = 77;
    private const int MaxGroups = 65536;

    /// <summary>The peer, or null when its process has ended: there is nobody to answer, and nobody to ask who logged in.</summary>
    public static Peer? Read(Socket socket)
    {
        var credentials = PeerCredentials.Read(socket);
        using var process = Process(socket);
        if (process is null)
            return new Peer(credentials.Uid, GroupsOf(socket, credentials.Gid), LoginUid: null);
        // The descriptor pins the process: while it names the same one afterwards, the file was that process's own.
        var pid = PidOf(process);
        var login = pid > 0 ? LoginUidOf(pid) : null;
        int? session = pid > 0 && SessionOf(pid) is > 0 and var id ? id : null;
        return pid < 0 || PidOf(process) != pid ? null : new Peer(credentials.Uid, GroupsOf(socket, credentials.Gid), login, session);
    }

    // Kernels before 6.5 have no such option.
    private static SafeFileHandle? Process(Socket socket)
    {
        Span<byte> descriptor = stackalloc byte[sizeof(int)];
        try
        {
            _ = socket.GetRawSocketOption(SolSocket, SoPeerPidFd, descriptor);
            return new SafeFileHandle(MemoryMarshal.Read<int>(descriptor), ownsHandle: true);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>-1 when it has ended, 0 when it lives where this process cannot see it.</summary>
    private static int PidOf(SafeFileHandle process) =>
        int.Parse(
            File.ReadLines($"/proc/self/fdinfo/{process.DangerousGetHandle()}")
                .First(line => line.StartsWith("Pid:", StringComparison.Ordinal))["Pid:".Length..]);

    private static uint? LoginUidOf(int pid)
    {
        try
        {
            return uint.TryParse(File.ReadAllText($"/proc/{pid}/loginuid"), out var uid) && uid != uint.MaxValue ? uid : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static ImmutableArray<uint> GroupsOf(Socket socket, uint primary)
    {
        foreach (var most in (int[])[64, MaxGroups])
        {
            var buffer = ArrayPool<byte>.Shared.Rent(most * sizeof(uint));
            try
            {
                var length = socket.GetRawSocketOption(SolSocket, SoPeerGroups, buffer.AsSpan(0, most * sizeof(uint)));
                return [primary, .. MemoryMarshal.Cast<byte, uint>(buffer.AsSpan(0, length))];
            }
            catch (SocketException)
            {
                // More than fit, or a kernel without it.
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
        return [primary];
    }

    [LibraryImport("libc", EntryPoint = "getsid")]
    private static partial int SessionOf(int pid);
}
