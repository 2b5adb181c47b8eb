using System.Buffers;
using System.Collections.Immutable;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>The process that opened the other end of an accepted Unix socket, as the kernel reports it.</summary>
/// <param name="Uid">The uid, as in <see cref="PeerCredentials"/>.</param>
/// <param name="Groups">The gids of the process: first the primary one, then the supplementary ones.</param>
/// <param name="LoginUid">
/// The uid of the login that the process descends from; sudo and su do not change it. Null if the kernel does not report it, or if the
/// process does not descend from a login.
/// </param>
/// <param name="Session">The ID of the session that contains the process; null if the kernel does not report it.</param>
public sealed partial record Peer(uint Uid, ImmutableArray<uint> Groups, uint? LoginUid, int? Session = null)
{
    private const int SolSocket = 1;
    private const int SoPeerGroups = 59;
    private const int SoPeerPidFd = 77;
    private const int MaxGroups = 65536;

    /// <summary>
    /// Reads the peer; null if its process has ended, in which case nobody waits for an answer and the login uid cannot be read.
    /// </summary>
    public static Peer? Read(Socket socket)
    {
        var credentials = PeerCredentials.Read(socket);
        using var process = Process(socket);
        if (process is null)
            return new Peer(credentials.Uid, GroupsOf(socket, credentials.Gid), LoginUid: null);
        // The descriptor pins the process: if it refers to the same process afterwards, the file belonged to that process.
        var pid = PidOf(process);
        var login = pid > 0 ? LoginUidOf(pid) : null;
        int? session = pid > 0 && SessionOf(pid) is > 0 and var id ? id : null;
        return pid < 0 || PidOf(process) != pid ? null : new Peer(credentials.Uid, GroupsOf(socket, credentials.Gid), login, session);
    }

    // Kernels before 6.5 do not have this option.
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

    /// <summary>Returns -1 if the process has ended, and 0 if it exists but is not visible to this process.</summary>
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
                // More groups than fit, or a kernel without this option.
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
