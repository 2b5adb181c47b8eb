using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CertAuthority.Bench;

/// <summary>Connections to a daemon as other accounts, which it learns from the kernel.</summary>
internal static class CallerSocket
{
    /// <summary>The first of the accounts that call; the others follow.</summary>
    public const uint FirstUid = 200_001;

    /// <summary>Connects as an account. The daemon takes only a hundred accounts a second that it does not know yet.</summary>
    /// <param name="path">The daemon's socket.</param>
    /// <param name="uid">The account.</param>
    /// <param name="firstCall">The first call on the connection, at which the daemon finds out whose it is.</param>
    public static Socket Connect(string path, uint uid, Action<Socket> firstCall)
    {
        while (true)
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                Become(uid);
                connection.Connect(new UnixDomainSocketEndPoint(path));
                Become(0);
                firstCall(connection);
                return connection;
            }
            catch (SocketException)
            {
                Become(0);
                connection.Dispose();
                Thread.Sleep(50);
            }
        }
    }

    // The system call, which changes this thread alone; the C library's function of that name changes all.
    private static void Become(uint uid)
    {
        if (SystemCall(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 147 : 117, -1, (int)uid, -1) != 0)
            throw new InvalidOperationException($"a thread cannot become uid {uid}");
    }

    [DllImport("libc", EntryPoint = "syscall")]
    private static extern long SystemCall(long setresuid, long real, long effective, long saved);
}
