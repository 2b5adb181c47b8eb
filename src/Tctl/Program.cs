using CertAuthority.Tctl;
using CertAuthority.Terminal;

return await Shell.Run(new TctlCommand(), args);
