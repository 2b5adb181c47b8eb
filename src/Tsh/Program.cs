using CertAuthority.Terminal;
using CertAuthority.Tsh;

return await Shell.Run(new TshCommand(), SshOptions.Separate(args));
